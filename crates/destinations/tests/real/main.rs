//! Destinations against real servers, as `cargo xtask services start` leaves them; one file for each.
//!
//! Without them the tests are skipped, unless `KEYWRIGHT_TEST_REQUIRE_REAL=1`.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod aws;
#[cfg(test)]
mod github;
#[cfg(test)]
mod onepassword;
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

// What the suite of recorded shapes has, for what a real server keeps no state of.
#[cfg(test)]
#[path = "../remote/onepassword.rs"]
mod connect;
#[cfg(test)]
#[expect(dead_code, reason = "the suite uses the rest")]
#[path = "../remote/place.rs"]
mod place;
#[cfg(test)]
#[expect(dead_code, reason = "the suite uses the rest")]
#[path = "../remote/server.rs"]
mod server;
