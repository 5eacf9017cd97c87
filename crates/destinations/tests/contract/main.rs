//! The contract that every destination keeps, run against each of them.
//!
//! To add one: implement [`place::Place`] for it in a file here, and give it a line at the end.

#[cfg(test)]
mod child;
#[cfg(test)]
mod command;
#[cfg(test)]
mod document;
#[cfg(test)]
mod dotenv;
#[cfg(test)]
#[path = "../drills/mod.rs"]
mod drills;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod file;
#[cfg(test)]
mod mount;
#[cfg(test)]
mod place;
#[cfg(test)]
mod stand;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod systemd_creds;

/// Every case of the suite, for one destination.
#[cfg(test)]
macro_rules! contract {
    ($module:ident, $place:ty) => {
        mod $module {
            contract!(@cases $place:
                put_and_put_again, confirms_only_the_wanted_key, restores_what_was_held, restores_nothing,
                check_changes_nothing, a_missing_place_is_not_found, a_missing_permission_is_named,
                concurrent_writers_leave_one_whole_key, a_foreign_change_is_refused_or_kept,
                a_kill_in_the_middle_tears_nothing, no_secret_is_in_an_error);
            contract!(@drills $place: rotations_survive_mishaps Rotation 300, undoing_survives_mishaps Undoing 120);
        }
    };
    (@drills $place:ty: $($case:ident $work:ident $least:literal),*) => {
        $(#[test]
        fn $case() {
            let case = concat!(module_path!(), "::", stringify!($case)).split_once("::").unwrap().1;
            if <$place as crate::place::Place>::begins(case) {
                crate::stand::drill::<$place>(case, crate::drills::Work::$work, $least);
            }
        })*
    };
    (@cases $place:ty: $($case:ident),*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $case() {
            let case = concat!(module_path!(), "::", stringify!($case)).split_once("::").unwrap().1;
            if <$place as crate::place::Place>::begins(case) {
                crate::suite::$case::<$place>().await;
            }
        })*
    };
}

#[cfg(test)]
mod kept_by {
    contract!(dotenv, crate::dotenv::DotenvPlace);
    contract!(file, crate::file::FilePlace);
    contract!(json, crate::document::JsonPlace);
    contract!(yaml, crate::document::YamlPlace);
    contract!(toml, crate::document::TomlPlace);
    contract!(real_systemd_creds, crate::systemd_creds::CredentialPlace);
    contract!(command, crate::command::CommandPlace);
}
