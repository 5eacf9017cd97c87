//! The contract that every destination at a service keeps, run against servers that answer as each is documented and
//! refuse what it would refuse.
//!
//! To add one: implement [`place::RemotePlace`] for it in a file here, and give it a line at the end.

#[cfg(test)]
mod aws;
#[cfg(test)]
mod azure;
#[cfg(test)]
mod doppler;
#[cfg(test)]
#[path = "../drills/mod.rs"]
mod drills;
#[cfg(test)]
mod elsewhere;
#[cfg(test)]
mod files;
#[cfg(test)]
mod five;
#[cfg(test)]
mod gcp;
#[cfg(test)]
mod gitea;
#[cfg(test)]
mod github;
#[cfg(test)]
mod gitlab;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod infisical;
#[cfg(test)]
mod kubernetes;
#[cfg(test)]
mod onepassword;
#[cfg(test)]
mod place;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod server;
#[cfg(test)]
mod stand;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod together;
#[cfg(test)]
mod vault;
#[cfg(test)]
mod webhook;

/// Every case of the suite, for one service.
#[cfg(test)]
macro_rules! contract {
    ($module:ident, $place:ty) => {
        mod $module {
            contract!(@cases $place:
                put_and_put_again, confirms_only_the_wanted_key, restores_what_was_held, restores_nothing,
                check_changes_nothing, what_is_around_is_left_alone, a_missing_place_is_not_found,
                a_missing_permission_is_named, refused_credentials_are_told, a_change_in_between_is_kept,
                a_change_each_time_is_given_up, dead_versions_are_discarded_as_configured, throttled_waits_or_says_so,
                a_failing_service_is_told, no_answer_ends_in_time, a_cut_answer_is_no_answer, garbage_is_no_answer,
                a_huge_answer_is_not_read, a_redirect_is_not_followed, finds_a_key, no_secret_is_in_an_error);
            contract!(@drills $place: rotations_survive_mishaps Rotation 300, undoing_survives_mishaps Undoing 120);
        }
    };
    (@drills $place:ty: $($case:ident $work:ident $least:literal),*) => {
        $(#[test]
        fn $case() {
            crate::stand::drill::<$place>(module_path!(), crate::drills::Work::$work, $least);
        })*
    };
    (@cases $place:ty: $($case:ident),*) => {
        $(#[tokio::test(flavor = "multi_thread")]
        async fn $case() {
            crate::suite::$case::<$place>().await;
        })*
    };
}

#[cfg(test)]
mod kept_by {
    contract!(doppler, crate::doppler::DopplerPlace);
    contract!(vault_v2, crate::vault::V2Place);
    contract!(vault_v1, crate::vault::V1Place);
    contract!(openbao, crate::vault::BaoPlace);
    contract!(aws_secrets_manager, crate::aws::SecretPlace<false>);
    contract!(aws_secrets_manager_field, crate::aws::SecretPlace<true>);
    contract!(aws_ssm, crate::aws::ParameterPlace);
    contract!(onepassword, crate::onepassword::ConnectPlace<false>);
    contract!(onepassword_strict, crate::onepassword::ConnectPlace<true>);
    contract!(infisical, crate::infisical::InfisicalPlace);
    contract!(azure, crate::azure::KeyVaultPlace);
    contract!(gcp, crate::gcp::SecretManagerPlace<false>);
    contract!(gcp_field, crate::gcp::SecretManagerPlace<true>);
    contract!(github_repository, crate::github::GitHubPlace<crate::github::Repository>);
    contract!(github_environment, crate::github::GitHubPlace<crate::github::Environment>);
    contract!(github_organisation, crate::github::GitHubPlace<crate::github::Organisation>);
    contract!(gitlab_project, crate::gitlab::GitLabPlace<crate::gitlab::Project>);
    contract!(gitlab_group, crate::gitlab::GitLabPlace<crate::gitlab::Group>);
    contract!(gitea_repository, crate::gitea::GiteaPlace<crate::gitea::Gitea>);
    contract!(forgejo_repository, crate::gitea::GiteaPlace<crate::gitea::Forgejo>);
    contract!(forgejo_organisation, crate::gitea::GiteaPlace<crate::gitea::Organisation>);
    contract!(kubernetes, crate::kubernetes::KubernetesPlace<false>);
    contract!(kubernetes_by_force, crate::kubernetes::KubernetesPlace<true>);
}
