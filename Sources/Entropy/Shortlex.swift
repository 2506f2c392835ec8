// The order in which choice sequences count as simpler. Used by the minimizer to accept only steps that go down.

/// Whether `left` is simpler than `right`: shorter, or of equal length and smaller at the first difference.
///
/// The order is total and has no infinite descent, so a minimizer that only goes down comes to an end.
public func shortlexPrecedes(_ left: [UInt64], _ right: [UInt64]) -> Bool {
  if left.count != right.count { return left.count < right.count }
  for (first, second) in zip(left, right) where first != second { return first < second }
  return false
}
