//! Repositories made with git, whole ones and broken ones.

mod stand;
mod whole;
