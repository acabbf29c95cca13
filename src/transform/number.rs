//! Exact numbers: fractions of whole numbers, so that money added, multiplied or divided never shows binary dust.
//!
//! Knows digits and nothing of rows or fields. Whatever does not fit is refused, never rounded in silence; only a
//! quotient that never ends is cut, at [`DECIMALS`] places.

use super::fault::Fault;
use std::cmp::Ordering;
use std::fmt;

/// Places kept of a quotient without an end. Salesforce's numbers have 18 digits in all.
const DECIMALS: usize = 18;
/// Significant digits that `number` takes.
const DIGITS: usize = 15;
/// Denominators stay below this, so that one more digit of a long division always fits.
const LARGEST_DENOMINATOR: i128 = 10i128.pow(36);

/// A fraction in lowest terms, the denominator positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    over: i128,
    under: i128,
}

impl Number {
    /// Reads `-?digits[.digits]`.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !fraction.is_none_or(plain) {
            return Err(Fault::new("the value is not a plain decimal number"));
        }
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.unwrap_or("").trim_end_matches('0');
        let magnitude = Self::from_digits(whole, fraction)?;
        Ok(if text.starts_with('-') { magnitude.negated() } else { magnitude })
    }

    fn from_digits(whole: &str, fraction: &str) -> Result<Self, Fault> {
        let significant = if whole.is_empty() {
            fraction.trim_start_matches('0').len()
        } else {
            whole.len() + fraction.len()
        };
        if significant > DIGITS {
            return Err(Fault::new(
                "more than 15 significant digits; drop `| number`: the field takes the text",
            ));
        }
        let under = u32::try_from(fraction.len()).ok().and_then(|places| 10i128.checked_pow(places));
        let over = whole.bytes().chain(fraction.bytes()).fold(0, |sum, b| sum * 10 + i128::from(b - b'0'));
        under.and_then(|under| Self::reduced(over, under)).ok_or_else(too_large)
    }

    fn reduced(over: i128, under: i128) -> Option<Self> {
        let (over, under) =
            if under < 0 { (over.checked_neg()?, under.checked_neg()?) } else { (over, under) };
        let divisor = if under == 1 { 1 } else { gcd(over.unsigned_abs(), under.unsigned_abs()) };
        let divisor = i128::try_from(divisor).ok().filter(|d| *d != 0)?;
        let (over, under) = if divisor == 1 { (over, under) } else { (over / divisor, under / divisor) };
        (under < LARGEST_DENOMINATOR).then_some(Self { over, under })
    }

    fn negated(self) -> Self {
        Self { over: -self.over, ..self }
    }

    /// Whether it is 0.
    pub(super) fn is_zero(self) -> bool {
        self.over == 0
    }

    /// A small whole number, where it is one.
    pub(super) fn as_count(self) -> Option<usize> {
        (self.under == 1).then(|| usize::try_from(self.over).ok())?
    }

    /// The sum.
    pub(super) fn plus(self, other: Self) -> Result<Self, Fault> {
        let sum = || {
            let left = self.over.checked_mul(other.under)?;
            let right = other.over.checked_mul(self.under)?;
            Self::reduced(left.checked_add(right)?, self.under.checked_mul(other.under)?)
        };
        sum().ok_or_else(too_large)
    }

    /// The difference.
    pub(super) fn minus(self, other: Self) -> Result<Self, Fault> {
        self.plus(other.negated())
    }

    /// The product.
    pub(super) fn times(self, other: Self) -> Result<Self, Fault> {
        let product = || {
            // Reduced crosswise first: it keeps the products small.
            let (a, b) = (Self::reduced(self.over, other.under)?, Self::reduced(other.over, self.under)?);
            Self::reduced(a.over.checked_mul(b.over)?, a.under.checked_mul(b.under)?)
        };
        product().ok_or_else(too_large)
    }

    /// The quotient.
    pub(super) fn divided_by(self, other: Self) -> Result<Self, Fault> {
        if other.is_zero() {
            return Err(Fault::new("division by zero"));
        }
        Self::reduced(other.under, other.over).ok_or_else(too_large).and_then(|turned| self.times(turned))
    }

    /// The whole part of the quotient, towards minus infinity, as Jinja's `//`.
    pub(super) fn floor_divided_by(self, other: Self) -> Result<Self, Fault> {
        let quotient = self.divided_by(other)?;
        Ok(Self { over: quotient.over.div_euclid(quotient.under), under: 1 })
    }

    /// What `//` leaves, with the sign of the divisor, as Jinja's `%`.
    pub(super) fn remainder(self, other: Self) -> Result<Self, Fault> {
        self.minus(self.floor_divided_by(other)?.times(other)?)
    }

    /// The power, for small whole exponents.
    pub(super) fn power(self, exponent: Self) -> Result<Self, Fault> {
        let Some(times) = exponent.as_count().filter(|n| *n <= 64) else {
            return Err(Fault::new("`**` takes whole exponents from 0 to 64"));
        };
        (0..times).try_fold(Self { over: 1, under: 1 }, |product, _| product.times(self))
    }

    /// The number with the other sign.
    pub(super) fn negative(self) -> Self {
        self.negated()
    }

    fn terminates(self) -> bool {
        let mut rest = self.under.unsigned_abs();
        rest >>= rest.trailing_zeros();
        loop {
            match divided(rest, 5) {
                (fifth, 0) => rest = fifth,
                _ => return rest == 1,
            }
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.over.checked_mul(other.under), other.over.checked_mul(self.under)) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => compare_parts((self.over, self.under), (other.over, other.under)),
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares fractions whose cross products do not fit: whole parts first, then what they leave, turned over.
fn compare_parts(mut a: (i128, i128), mut b: (i128, i128)) -> Ordering {
    loop {
        let (whole_a, whole_b) = (a.0.div_euclid(a.1), b.0.div_euclid(b.1));
        let (rest_a, rest_b) = (a.0.rem_euclid(a.1), b.0.rem_euclid(b.1));
        match whole_a.cmp(&whole_b) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
        match (rest_a, rest_b) {
            (0, 0) => return Ordering::Equal,
            (0, _) => return Ordering::Less,
            (_, 0) => return Ordering::Greater,
            _ => (a, b) = ((b.1, rest_b), (a.1, rest_a)),
        }
    }
}

/// Plain decimal: no exponent, no trailing zeros, no sign of zero.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let under = self.under.unsigned_abs();
        let (mut whole, mut rest) = divided(self.over.unsigned_abs(), under);
        let mut places = Vec::new();
        let most = if self.terminates() { usize::MAX } else { DECIMALS };
        while rest != 0 && places.len() < most {
            let (digit, left) = divided(rest * 10, under);
            places.push(b'0' + digit as u8);
            rest = left;
        }
        if rest * 2 >= under && round_up(&mut places) {
            whole += 1;
        }
        while places.last() == Some(&b'0') {
            places.pop();
        }
        let sign = if self.over < 0 && (whole != 0 || !places.is_empty()) { "-" } else { "" };
        write!(f, "{sign}{whole}")?;
        match std::str::from_utf8(&places) {
            Ok(places) if !places.is_empty() => write!(f, ".{places}"),
            _ => Ok(()),
        }
    }
}

/// Adds one to the last of these digits; whether a one is carried out of the first.
pub(super) fn round_up(digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return false;
        }
        *digit = b'0';
    }
    true
}

/// By halving and subtracting: no division, which is slow at this width.
fn gcd(mut a: u128, mut b: u128) -> u128 {
    if a == 0 || b == 0 {
        return a | b;
    }
    let twos = (a | b).trailing_zeros();
    a >>= a.trailing_zeros();
    while b != 0 {
        b >>= b.trailing_zeros();
        if a > b {
            std::mem::swap(&mut a, &mut b);
        }
        b -= a;
    }
    a << twos
}

/// Quotient and remainder; quickly where both fit a machine word, as they nearly always do.
fn divided(over: u128, under: u128) -> (u128, u128) {
    match (u64::try_from(over), u64::try_from(under)) {
        (Ok(over), Ok(under)) => (u128::from(over / under), u128::from(over % under)),
        _ => (over / under, over % under),
    }
}

fn too_large() -> Fault {
    Fault::new("a number in the calculation is too large or too fine")
}

#[cfg(test)]
mod tests {
    use super::Number;

    fn n(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn reads_plain_decimals_only() {
        for (text, plain) in
            [("007.50", "7.5"), ("-0", "0"), ("-0.10", "-0.1"), ("12", "12"), ("0.000001", "0.000001")]
        {
            assert_eq!(n(text).to_string(), plain);
        }
        for wrong in
            ["", "-", ".5", "5.", "+5", "1e3", "1,000", " 5", "5 ", "--5", "0x10", "٣", "1234567890123456"]
        {
            assert!(Number::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(n("123456789012345").to_string(), "123456789012345");
        assert_eq!(
            n("0.000000000000000000123456789012345").to_string(),
            "0.000000000000000000123456789012345"
        );
    }

    #[test]
    fn calculates_exactly() {
        assert_eq!(n("0.1").plus(n("0.2")).unwrap().to_string(), "0.3");
        assert_eq!(n("1.1").times(n("3")).unwrap().to_string(), "3.3");
        let third = n("1").divided_by(n("3")).unwrap();
        assert_eq!(third.to_string(), "0.333333333333333333");
        assert_eq!(third.times(n("3")).unwrap().to_string(), "1");
        assert_eq!(n("2").divided_by(n("3")).unwrap().to_string(), "0.666666666666666667");
        assert_eq!(n("-2").divided_by(n("-8")).unwrap().to_string(), "0.25");
        assert_eq!(n("-7").floor_divided_by(n("2")).unwrap().to_string(), "-4");
        assert_eq!(n("-7").remainder(n("2")).unwrap().to_string(), "1");
        assert_eq!(n("7").remainder(n("-2")).unwrap().to_string(), "-1");
        assert_eq!(n("1.5").power(n("3")).unwrap().to_string(), "3.375");
        assert!(n("1").divided_by(n("0")).is_err());
        assert!(n("99999999999").power(n("9")).is_err());
    }

    #[test]
    fn orders_also_what_does_not_fit() {
        let tiny = |text| n(text).power(n("2")).unwrap();
        assert!(tiny("0.00000000000000001") < tiny("0.00000000000000002"));
        assert!(n("-3") < n("-2.5") && n("2.5") > n("2.49"));
        let large = n("99999999999999").power(n("2")).unwrap();
        assert!(tiny("0.00000000000000003") < large && large > tiny("0.00000000000000003"));
        assert_eq!(large.cmp(&large), std::cmp::Ordering::Equal);
    }
}
