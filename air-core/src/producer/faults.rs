//! Faults: what is damaged in a file, counted always and told seldom.

use air_av::Error;

/// Failures of one activity on one asset. They come in rows, and a row is one fault to whoever reads the log;
/// of many rows the first, the second, the fourth, the eighth and so on are told.
#[derive(Debug)]
pub struct Faults {
    asset: String,
    activity: &'static str,
    count: u64,
    rows: u64,
    in_a_row: u32,
}

impl Faults {
    /// Of `activity`, named as in "error while reading", on `asset`.
    pub fn new(asset: &str, activity: &'static str) -> Faults {
        Faults { asset: asset.to_owned(), activity, count: 0, rows: 0, in_a_row: 0 }
    }

    /// Counts a failure, and answers how many there were in a row.
    pub fn add(&mut self, error: &Error) -> u32 {
        self.count += 1;
        self.in_a_row = self.in_a_row.saturating_add(1);
        if self.in_a_row == 1 {
            self.rows += 1;
            if self.rows.is_power_of_two() {
                tracing::warn!(asset = self.asset, %error, errors = self.count, "error while {}", self.activity);
            }
        }
        self.in_a_row
    }

    /// As [`Faults::add`], if it failed. Being interrupted is no fault of the file's, and goes on upwards.
    pub fn pass_over(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        match result {
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => {
                self.add(&error);
            }
            Ok(()) => {}
        }
        Ok(())
    }

    /// It went well: a row is over.
    pub fn went_well(&mut self) {
        self.in_a_row = 0;
    }

    /// All failures so far.
    pub fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_and_interruptions_are_not() {
        let mut faults = Faults::new("a.ts", "reading");
        let error = || Error::Interrupted;
        assert_eq!((faults.add(&error()), faults.add(&error())), (1, 2));
        faults.went_well();
        assert_eq!((faults.add(&error()), faults.count()), (1, 3));
        assert!(faults.pass_over(Err(error())).is_err());
        assert_eq!(faults.count(), 3);
    }
}
