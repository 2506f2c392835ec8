// Numbers as people read them, the same in every locale.
// Used by the renderers of this target.

/// Digits in groups of three: `1,234,567`.
public func grouped(_ value: some BinaryInteger) -> String {
  let digits = String(value.magnitude)
  var text = ""
  for (position, digit) in digits.enumerated() {
    if position > 0 && (digits.count - position).isMultiple(of: 3) { text.append(",") }
    text.append(digit)
  }
  return (value < 0 ? "-" : "") + text
}

/// A number with a fixed count of decimals, at most 6; `–` for what is not a number a person could read.
public func decimal(_ value: Double, decimals: Int) -> String {
  var scale: Double = 1
  let decimals = min(max(decimals, 0), 6)
  for _ in 0..<decimals { scale *= 10 }
  let scaled = (value.magnitude * scale).rounded()
  guard scaled < 1e18 else { return "–" }
  let units = UInt64(scaled)
  let whole = grouped(units / UInt64(scale))
  let sign = value < 0 && units > 0 ? "-" : ""
  guard decimals > 0 else { return sign + whole }
  let fraction = String(units % UInt64(scale))
  return sign + whole + "." + String(repeating: "0", count: decimals - fraction.count) + fraction
}

/// A share of 0 … 1 as a percentage with one decimal. A share that is not all is never shown as 100 %.
public func percentage(_ share: Double) -> String {
  if share < 1 && share > 0.9994 { return "99.9 %" }
  return decimal(share * 100, decimals: 1) + " %"
}

/// Seconds as hours, minutes and seconds: `0.3 s`, `59.9 s`, `12 min 3 s`, `8 h 0 min 12 s`.
public func duration(seconds: Double) -> String {
  guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "–" }
  if seconds < 59.95 { return decimal(seconds, decimals: 1) + " s" }
  let whole = Int(seconds.rounded())
  let rest = "\(whole / 60 % 60) min \(whole % 60) s"
  return whole < 3_600 ? rest : "\(whole / 3_600) h \(rest)"
}
