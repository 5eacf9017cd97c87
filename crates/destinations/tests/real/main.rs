//! Destinations against real servers, as `cargo xtask services start` leaves them; one file for each.
//!
//! Without them the tests are skipped, unless `KEYWRIGHT_TEST_REQUIRE_REAL=1`.

#[cfg(test)]
mod openbao;
#[cfg(test)]
mod own;
#[cfg(test)]
mod record;
#[cfg(test)]
mod rusty_vault;
#[cfg(test)]
mod vault;
