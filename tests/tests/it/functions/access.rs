//! Who may call what: every route, by every role and by nobody, as the catalog declares it.

use super::{USER, clock};
use adapters::{Wiring, config::Config};
use catalog::{Auth, FUNCTIONS, Trigger, role};
use edge::http::{Call, RawBody, Reply};
use kernel::Failure;

const EVERYBODY: [Option<&str>; 5] =
    [None, Some(role::CUSTOMER), Some(role::STAFF), Some(role::ADMIN), Some(role::SERVICE)];

#[tokio::test]
async fn a_route_lets_in_whom_its_row_names_and_nobody_else() {
    let mut asked = 0;
    for function in FUNCTIONS {
        let Trigger::Http { method, path, auth, .. } = function.trigger else { continue };
        let route = Wiring::new(function, Config::from_vars([])).route().expect("a route");
        for who in EVERYBODY {
            let event = edge::testing::http_event(method.name(), path).key("k").if_match(1);
            let event = who.into_iter().fold(event, |event, role| event.principal(USER.0, role)).build();
            let handler = async |_: Call<RawBody>| Ok::<_, Failure>(Reply::ok("in"));
            let answer = edge::http::respond(&route, event, &clock(), &handler).await;
            let expected = match (auth, who) {
                (Auth::Public, _) => 200,
                (Auth::Roles(_), None) => 401,
                (Auth::Roles(roles), Some(role)) if roles.contains(&role) => 200,
                (Auth::Roles(_), Some(_)) => 403,
            };
            assert_eq!(answer["statusCode"], expected, "{} {path} by {who:?}: {answer}", method.name());
            asked += 1;
        }
    }
    assert!(asked >= 5 * 13, "only {asked} questions were asked");
}

#[test]
fn whoever_staff_is_let_in_admin_is_as_well() {
    for function in FUNCTIONS {
        if let Trigger::Http { auth: Auth::Roles(roles), .. } = function.trigger {
            assert!(!roles.contains(&role::STAFF) || roles.contains(&role::ADMIN), "{}", function.name);
        }
    }
}
