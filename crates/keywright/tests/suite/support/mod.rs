//! What the tests stand on: a home of Keywright's own, an instance, places for keys, a client that calls
//! throughout, and a process that dies on cue.

pub(crate) mod child;
pub(crate) mod client;
pub(crate) mod database;
pub(crate) mod doppler;
pub(crate) mod forge;
pub(crate) mod git_server;
pub(crate) mod ground;
pub(crate) mod hand;
pub(crate) mod home;
pub(crate) mod places;
pub(crate) mod repo;
pub(crate) mod tap;
pub(crate) mod terminal;
pub(crate) mod truth;
pub(crate) mod world;
