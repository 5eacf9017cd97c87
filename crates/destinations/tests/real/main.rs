//! Destinations against real servers, as `cargo xtask services start` leaves them; one file for each.
//!
//! Without them the tests are skipped, unless `KEYWRIGHT_TEST_REQUIRE_REAL=1`.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod github;
#[cfg(test)]
mod record;
