//! Contract of [`AccountStore`] about admins, of whom one is always left. Each rule needs a store without other accounts.

use super::{Fixture, an_event, fresh, kind_and_code};
use crate::build;
use domain::{
    event::{UserDeleted, UserErased},
    id::UserId,
    profile,
    user::{AccountStatus, Role, User},
};
use futures_util::future::join_all;
use kernel::{Failure, FailureKind};
use ports::{AccountStore, UserStore};

/// Generates one test per rule. The expression is a future of a `Fixture<impl AccountStore + UserStore>`.
#[macro_export]
macro_rules! contract_admins {
    ($fixture:expr) => {
        $crate::each_rule! { admins, $fixture;
            last_active_admin_stays_one
            admins_who_remove_each_other_at_once_leave_one
        }
    };
}

/// What ends that an account is one of an active admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Removal {
    Demotion,
    Disabling,
    Deletion,
    Erasure,
}

const REMOVALS: [Removal; 4] = [Removal::Demotion, Removal::Disabling, Removal::Deletion, Removal::Erasure];

async fn registered(users: &impl UserStore, role: Role) -> User {
    let id = fresh();
    let name = format!("u{}", &id.simple().to_string()[18..]);
    let user = build::user().id(UserId(id)).name(&name).role(role).registered();
    users.register(&user, "$hash$", &an_event(build::user().event())).await.expect("registered");
    user
}

async fn administer(
    users: &impl AccountStore,
    user: &User,
    (role, status): (Role, AccountStatus),
) -> Result<bool, Failure> {
    let changed = User { role, status, version: user.version + 1, ..user.clone() };
    let ended = users.administer_account(&changed, &an_event(profile::updated_event(&changed))).await?;
    Ok(ended.is_some())
}

/// Whether the account, at this version, is no admin's any more.
async fn remove(users: &impl AccountStore, user: &User, removal: Removal) -> Result<bool, Failure> {
    let deleted = an_event(UserDeleted { user_id: user.id });
    match removal {
        Removal::Demotion => administer(users, user, (Role::Staff, AccountStatus::Active)).await,
        Removal::Disabling => administer(users, user, (Role::Admin, AccountStatus::Disabled)).await,
        Removal::Deletion => Ok(users.delete_account(user.id, user.version, &deleted).await?.is_some()),
        Removal::Erasure => {
            let erased = an_event(UserErased { user_id: user.id });
            Ok(users.erase_account(user.id, None, &deleted, &erased).await?.is_some())
        }
    }
}

pub async fn last_active_admin_stays_one(fixture: &Fixture<impl AccountStore + UserStore>) {
    let port = fixture.port();
    let (last, other) = (registered(port, Role::Admin).await, registered(port, Role::Admin).await);
    registered(port, Role::Staff).await;
    assert_eq!(remove(port, &other, Removal::Disabling).await, Ok(true));
    for removal in REMOVALS {
        let refused = remove(port, &last, removal).await;
        assert_eq!(kind_and_code(refused), (FailureKind::Conflict, "last-admin"), "{removal:?}");
    }
    assert_eq!(port.account(last.id).await, Ok(Some(last.clone())));
    let other = port.account(other.id).await.expect("a response").expect("an account");
    assert_eq!(remove(port, &other, Removal::Deletion).await, Ok(true), "it is not active");
    for removal in REMOVALS {
        let (customer, another) = (registered(port, Role::Customer).await, registered(port, Role::Admin).await);
        assert_eq!(remove(port, &customer, removal).await, Ok(true), "{removal:?} of somebody else");
        assert_eq!(remove(port, &another, removal).await, Ok(true), "{removal:?} with another admin");
    }
    let again = administer(port, &last, (Role::Admin, AccountStatus::Active)).await;
    assert_eq!(again, Ok(true), "nothing that ends it");
}

pub async fn admins_who_remove_each_other_at_once_leave_one(fixture: &Fixture<impl AccountStore + UserStore>) {
    let port = fixture.port();
    let mut left = registered(port, Role::Admin).await;
    for first in 0..REMOVALS.len() {
        let mut admins = vec![left.clone()];
        for _ in 1..REMOVALS.len() {
            admins.push(registered(port, Role::Admin).await);
        }
        let removals = REMOVALS.into_iter().cycle().skip(first);
        let removed = admins.iter().zip(removals).zip(fixture.concurrent(admins.len()));
        let removed = join_all(removed.map(|((user, removal), port)| remove(port, user, removal))).await;
        assert_eq!(removed.iter().filter(|one| **one == Ok(true)).count(), admins.len() - 1, "{removed:?}");
        let refused = removed.iter().position(Result::is_err).expect("the last one");
        assert_eq!(kind_and_code(removed[refused].clone()), (FailureKind::Conflict, "last-admin"));
        left = admins[refused].clone();
        assert_eq!(port.account(left.id).await, Ok(Some(left.clone())));
    }
}
