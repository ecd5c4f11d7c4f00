// SPDX-License-Identifier: MIT OR Apache-2.0
//! The little statistics that the report needs, and its random numbers.

/// The value that `share` of the sorted values do not exceed (nearest rank); `share` is 0 to 1.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    assert!(!sorted.is_empty(), "a quantile of nothing");
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// The middle value; of an even number of values the mean of the two.
pub fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// A ratio and the interval that holds it with 95 % confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

const RESAMPLES: usize = 1000;

/// The median of the ratios of rounds, because both sides of a round had the same noise; and its
/// percentile bootstrap interval.
pub fn ratio(rounds: &[(f64, f64)], random: &mut Random) -> Ratio {
    let ratios: Vec<f64> = rounds.iter().map(|(ours, floor)| ours / floor).collect();
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let resample: Vec<f64> =
                ratios.iter().map(|_| ratios[random.below(ratios.len())]).collect();
            median(&resample)
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    Ratio {
        median: median(&ratios),
        low: quantile(&medians, 0.025),
        high: quantile(&medians, 0.975),
    }
}

/// Jain's index of fairness: 1 if all have the same, 1/n if one has all.
pub fn fairness(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|share| share * share).sum();
    if squares == 0.0 { 1.0 } else { sum * sum / (shares.len() as f64 * squares) }
}

/// SplitMix64: the same seed gives the same order of rows.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        ((u128::from(self.next()) * limit as u128) >> 64) as usize
    }

    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two() {
        assert_eq!(median(&[3.0]), 3.0);
        assert_eq!(median(&[9.0, 1.0, 5.0]), 5.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 100.0]), 3.0);
    }

    #[test]
    fn a_quantile_is_the_nearest_rank() {
        let values: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(quantile(&values, 0.99), 198.0);
        assert_eq!(quantile(&values, 1.0), 200.0);
        assert_eq!(quantile(&values, 0.0), 1.0);
        assert_eq!(quantile(&[7.0], 0.99), 7.0);
    }

    #[test]
    fn noise_that_hits_both_sides_of_a_round_leaves_the_ratio_alone() {
        let rounds: Vec<(f64, f64)> =
            (1..=50).map(|round| f64::from(round * round)).map(|it| (1.5 * it, it)).collect();
        let found = ratio(&rounds, &mut Random(1));
        assert_eq!((found.median, found.low, found.high), (1.5, 1.5, 1.5));
    }

    #[test]
    fn the_interval_holds_the_median_and_grows_with_the_spread() {
        let rounds = |spread: f64| -> Vec<(f64, f64)> {
            (0..101).map(|round| (1.0 + spread * (f64::from(round) - 50.0) / 50.0, 1.0)).collect()
        };
        let narrow = ratio(&rounds(0.1), &mut Random(1));
        let wide = ratio(&rounds(0.5), &mut Random(1));
        assert!(narrow.low < 1.0 && narrow.median == 1.0 && narrow.high > 1.0);
        assert!(wide.high - wide.low > 3.0 * (narrow.high - narrow.low));
    }

    #[test]
    fn one_that_gets_all_is_not_fair() {
        assert_eq!(fairness(&[5.0, 5.0, 5.0, 5.0]), 1.0);
        assert_eq!(fairness(&[8.0, 0.0, 0.0, 0.0]), 0.25);
    }

    #[test]
    fn a_shuffle_keeps_every_value_and_repeats_with_its_seed() {
        let shuffled = |seed| {
            let mut values: Vec<u32> = (0..100).collect();
            Random(seed).shuffle(&mut values);
            values
        };
        assert_eq!(shuffled(5), shuffled(5));
        assert_ne!(shuffled(5), shuffled(6));
        let mut back = shuffled(5);
        back.sort_unstable();
        assert_eq!(back, (0..100).collect::<Vec<u32>>());
    }
}
