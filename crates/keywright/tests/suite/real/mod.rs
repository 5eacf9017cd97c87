//! The same on real instances of n8n. Without one they are skipped, unless `KEYWRIGHT_TEST_REQUIRE_REAL=1`.

mod drills;
mod versions;
