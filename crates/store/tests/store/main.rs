//! The contract of the `Store` port on every implementation, and what is `SQLite`'s, `PostgreSQL`'s and the log's alone.

#[cfg(test)]
mod contract_fleet;
#[cfg(test)]
mod contract_keys;
#[cfg(test)]
mod contract_leases;
#[cfg(test)]
mod contract_log;
#[cfg(test)]
mod contract_master_key;
#[cfg(test)]
mod contract_records;
#[cfg(test)]
mod contract_rotations;
#[cfg(test)]
mod contract_several;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod log_property;
#[cfg(test)]
mod log_tampering;
#[cfg(test)]
mod master_key_killed;
#[cfg(test)]
mod migrate;
#[cfg(test)]
mod migrate_killed;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod postgres_cut;
#[cfg(test)]
mod postgres_end;
#[cfg(test)]
mod postgres_own;
#[cfg(test)]
mod postgres_place;
#[cfg(test)]
mod postgres_way;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod sqlite_file;
#[cfg(test)]
mod sqlite_place;
#[cfg(test)]
mod sqlite_secrets;

/// Runs cases on one implementation, given as a way to make a fresh place, or none where it cannot be had.
macro_rules! contract_cases {
    ($name:ident, $fresh:expr, $($module:ident: $($case:ident)*;)*) => {
        #[cfg(test)]
        mod $name {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    if let Some(place) = $fresh {
                        super::$module::$case(&place).await;
                    }
                }
            )*)*
        }
    };
}

/// Every case of the contract.
macro_rules! contract {
    ($name:ident, $fresh:expr) => {
        contract_cases! {
            $name, $fresh,
            contract_records:
                instances_are_put_replaced_and_listed_by_name
                sealed_values_are_kept_replaced_and_forgotten
                integrations_are_declared_by_a_rotation_and_need_their_instance;
            contract_rotations:
                a_rotation_comes_back_as_it_was_begun
                one_open_rotation_per_integration
                a_superseded_rotation_gives_way_at_once
                only_the_open_one_can_be_superseded
                commits_replace_the_header_and_steps
                steps_go_on_in_number_and_begin_planned
                an_illegal_transition_writes_nothing_of_its_commit
                what_was_held_before_is_kept_until_the_rotation_is_over
                rotations_are_listed_in_order
                missing_records_are_told;
            contract_keys:
                keys_are_added_replaced_and_listed_by_time
                a_keys_text_is_erased_and_its_record_stays
                a_key_is_found_by_its_fingerprint;
            contract_leases:
                a_lease_is_held_until_it_ends
                the_same_holder_takes_it_again_and_the_old_fence_is_dead
                a_dead_holders_lease_is_taken_over_by_its_fence
                a_lease_is_prolonged_and_given_back
                a_lost_lease_commits_nothing
                nothing_is_committed_once_a_rotation_is_over;
            contract_log:
                events_reach_the_log_once_and_in_order
                a_refused_write_leaves_no_event
                an_event_is_recorded_once;
            contract_fleet:
                an_instance_comes_with_its_sealed_values_or_not_at_all
                integrations_are_put_all_or_none
                a_key_is_adopted_in_one_go
                uses_are_noted_and_times_of_making_moved
                a_secret_and_its_memo_come_and_go_together
                memos_are_kept_replaced_and_found_by_how_they_begin
                one_leads_at_a_time_and_another_follows
                writes_by_anyone_are_told;
            contract_master_key:
                everything_is_sealed_anew_and_goes_on
                who_has_the_old_key_is_told_and_writes_nothing
                a_value_that_does_not_open_leaves_all_as_it_was;
            contract_several:
                many_callers_at_once_lose_nothing
                two_stores_on_one_place_see_each_other
                two_stores_begin_one_rotation_only
                two_stores_share_one_log;
        }
    };
}

contract!(contract_on_sqlite, Some(super::sqlite_place::SqlitePlace::fresh()));
contract!(contract_on_real_postgres, super::postgres_place::PostgresPlace::fresh());
