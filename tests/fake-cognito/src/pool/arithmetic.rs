//! The modular arithmetic behind memberships that can be computed in both directions.

/// The first number from `from` on that is prime to `n`, and its inverse modulo `n`.
pub(crate) fn coprime_pair(n: u64, from: u64) -> (u64, u64) {
    if n == 1 {
        return (1, 1);
    }
    let mut candidate = from.max(1);
    loop {
        if let Some(inverse) = inverse(candidate % n, n) {
            return (candidate % n, inverse);
        }
        candidate += 1;
    }
}

/// The extended Euclidean algorithm.
fn inverse(a: u64, n: u64) -> Option<u64> {
    let (mut r, mut next_r) = (i128::from(n), i128::from(a));
    let (mut t, mut next_t) = (0_i128, 1_i128);
    while next_r != 0 {
        let quotient = r / next_r;
        (r, next_r) = (next_r, r - quotient * next_r);
        (t, next_t) = (next_t, t - quotient * next_t);
    }
    (r == 1).then(|| t.rem_euclid(i128::from(n)) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_multiplies_to_one() {
        for n in [2, 3, 4, 60, 97, 100_000, 4_294_967_295] {
            for from in [0, 1, n / 2, n - 1] {
                let (stride, inverse) = coprime_pair(n, from);
                assert!(stride < n);
                assert_eq!(
                    u128::from(stride) * u128::from(inverse) % u128::from(n),
                    1,
                    "{n} {from}"
                );
            }
        }
    }
}
