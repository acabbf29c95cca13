//! Decimal text, rounded half up without going through binary fractions.

/// A decimal number as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// Digits without leading zeros; empty for zero.
    digits: Vec<u8>,
    /// How many of the digits stand after the point; may be negative.
    after: i32,
}

impl Decimal {
    /// Reads xsd:double without its names for infinity: sign, digits, point, exponent.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let negative = mantissa.starts_with('-');
        let unsigned = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all = || whole.bytes().chain(fraction.bytes());
        if whole.len() + fraction.len() == 0 || !all().all(|b| b.is_ascii_digit()) || exponent.abs() > 400 {
            return None;
        }
        let digits = all().skip_while(|b| *b == b'0').collect();
        Some(Self { negative, digits, after: fraction.len() as i32 - exponent })
    }

    /// Rounds half up (away from zero) to `scale` digits after the point.
    pub(crate) fn round(mut self, scale: u32) -> Self {
        let surplus = self.after - scale as i32;
        if surplus <= 0 {
            return self;
        }
        let kept = self.digits.len().saturating_sub(surplus as usize);
        let up = surplus as usize <= self.digits.len() && self.digits.get(kept).is_some_and(|d| *d >= b'5');
        self.digits.truncate(kept);
        self.after = scale as i32;
        if up {
            self.increment();
        }
        self
    }

    fn increment(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        self.digits.insert(0, b'1');
    }

    /// Digits before the point.
    pub(crate) fn whole_digits(&self) -> i32 {
        if self.digits.is_empty() { 0 } else { (self.digits.len() as i32 - self.after).max(0) }
    }

    /// Whether digits other than zero, or a written point, stand after the point.
    pub(crate) fn value(&self) -> f64 {
        let digits = std::str::from_utf8(&self.digits).unwrap_or("0");
        let sign = if self.negative { "-" } else { "" };
        let zero = if digits.is_empty() { "0" } else { "" };
        format!("{sign}{digits}{zero}e{}", -self.after).parse().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Decimal;

    #[test]
    fn rounds_half_up_in_decimal() {
        for (text, scale, value) in [
            ("1.005", 2, 1.01),
            ("2.5", 0, 3.0),
            ("-2.5", 0, -3.0),
            ("999.995", 2, 1000.0),
            ("0.004", 2, 0.0),
            ("0.5", 0, 1.0),
            ("0.05", 0, 0.0),
            ("1.5e3", 0, 1500.0),
            ("12E-1", 0, 1.0),
            ("007", 2, 7.0),
            (".5", 1, 0.5),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().round(scale).value(), value, "{text}");
        }
        for bad in ["", ".", "1,5", "1e", "--1", "NaN", "1e9999", "0x1"] {
            assert!(Decimal::parse(bad).is_none(), "{bad}");
        }
        assert_eq!(Decimal::parse("1234.5").unwrap().whole_digits(), 4);
        assert_eq!(Decimal::parse("12e3").unwrap().whole_digits(), 5);
    }
}
