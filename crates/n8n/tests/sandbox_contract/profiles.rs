//! Where the contract takes place: a sandbox, and its owner.

use sandbox::{Account, Options, Profile, Sandbox};

use crate::suite::{Ground, sessions};

const EXAMPLE_SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJR";

pub(crate) async fn ground(profile: Profile, second_factor: bool) -> Option<Ground> {
    let mut owner = Account::new(Options::OWNER_EMAIL, Options::OWNER_PASSWORD);
    let mut mfa = None;
    if second_factor {
        let codes = ["c0de0001-0000-4000-8000-example00001", "c0de0002-0000-4000-8000-example00002"];
        owner = owner.with_mfa(EXAMPLE_SEED, &codes);
        mfa = Some((EXAMPLE_SEED.to_owned(), codes.map(str::to_owned).to_vec()));
    }
    let options = Options { owner: Some(owner), executions: 7, ..Options::default() };
    let sandbox = Sandbox::start(profile, options).await.unwrap();
    Some(Ground {
        version: profile.version(),
        url: sandbox.url(),
        email: Options::OWNER_EMAIL.to_owned(),
        password: Options::OWNER_PASSWORD.to_owned(),
        mfa,
        scopes: match profile {
            Profile::V2_41 => 106,
            Profile::V1_123 => 38,
            Profile::V1_72 | Profile::V1_60 => 0,
        },
        role: "global:owner",
        session: None,
        _keep: Box::new(sandbox),
    })
}

macro_rules! profiles {
    ($($module:ident: $profile:ident),*) => {
        $(mod $module {
            crate::contract!(super::ground(super::Profile::$profile, false));

            #[tokio::test]
            async fn a_second_factor_opens_a_session() {
                let ground = super::ground(super::Profile::$profile, true).await.unwrap();
                super::sessions::a_second_factor_opens_a_session(&ground).await;
            }

            #[tokio::test]
            async fn a_wrong_second_factor_is_refused() {
                let ground = super::ground(super::Profile::$profile, true).await.unwrap();
                super::sessions::a_wrong_second_factor_is_refused(&ground).await;
            }
        })*
    };
}
profiles!(v2_41: V2_41, v1_123: V1_123, v1_72: V1_72, v1_60: V1_60);
