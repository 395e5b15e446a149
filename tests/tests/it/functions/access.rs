//! Every route, called with every role and without a token: the catalog says who is admitted.

use super::{USER, clock};
use adapters::{Wiring, config::Config};
use catalog::{Auth, FUNCTIONS, Trigger, role};
use edge::http::{Call, RawBody, Reply};
use kernel::Failure;

const CALLERS: [Option<&str>; 6] =
    [None, Some(role::CUSTOMER), Some(role::STAFF), Some(role::ADMIN), Some(role::SERVICE), Some(role::MFA_ENROLMENT)];

#[tokio::test]
async fn every_route_admits_exactly_the_roles_of_its_row() {
    let mut calls = 0;
    for function in FUNCTIONS {
        let Trigger::Http { method, path, auth, .. } = function.trigger else { continue };
        let route = Wiring::new(function, Config::from_vars([])).route().expect("a route");
        for who in CALLERS {
            let event = edge::testing::http_event(method.name(), path).key("k").if_match(1);
            let event = who.into_iter().fold(event, |event, role| event.principal(USER.0, role)).build();
            let handler = async |_: Call<RawBody>| Ok::<_, Failure>(Reply::ok("in"));
            let response = edge::http::respond(&route, event, &clock(), &handler).await;
            let expected = match (auth, who) {
                (Auth::Public, _) | (Auth::Optional(_), None) => 200,
                (Auth::Roles(_), None) => 401,
                (_, Some(role)) if auth.roles().contains(&role) => 200,
                (_, Some(_)) => 403,
            };
            assert_eq!(response["statusCode"], expected, "{} {path} by {who:?}: {response}", method.name());
            calls += 1;
        }
    }
    assert!(calls >= 5 * 13, "only {calls} calls were made");
}

#[test]
fn token_to_set_up_a_second_factor_is_accepted_there_alone() {
    let admits = |function: &&&catalog::Function| matches!(function.trigger, Trigger::Http { auth, .. } if auth.roles().contains(&role::MFA_ENROLMENT));
    let admitting: Vec<&str> = FUNCTIONS.iter().filter(admits).map(|function| function.name).collect();
    assert_eq!(admitting, [catalog::TOTP_BEGIN.name, catalog::TOTP_CONFIRM.name]);
}

#[test]
fn logout_alone_takes_another_credential_than_an_access_token() {
    let takes =
        |function: &&&catalog::Function| matches!(function.trigger, Trigger::Http { auth: Auth::Optional(_), .. });
    let taking: Vec<&str> = FUNCTIONS.iter().filter(takes).map(|function| function.name).collect();
    assert_eq!(taking, [catalog::USER_LOGOUT.name]);
}

#[test]
fn every_route_for_staff_admits_admin() {
    for function in FUNCTIONS {
        if let Trigger::Http { auth, .. } = function.trigger {
            let roles = auth.roles();
            assert!(!roles.contains(&role::STAFF) || roles.contains(&role::ADMIN), "{}", function.name);
        }
    }
}
