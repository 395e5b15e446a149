//! Rules of the runner for Kinesis streams.

use super::*;

#[test]
fn the_end_of_a_batch_tells_what_became_of_its_records() {
    let five: Vec<_> = (1..=5).map(thing_done).collect();
    let broken = |places: &[usize]| {
        let mut event = kinesis_event(&five.iter().collect::<Vec<_>>());
        places.iter().for_each(|i| event["Records"][i]["kinesis"]["data"] = json!("bm90IGpzb24="));
        event
    };
    let told = |event, letters: &FakeDeadLetterQueue, handler: &dyn Fn(&[u32]) -> Result<(), Failure>| {
        let handler = async |batch: &[Delivery<Event>]| handler(&numbers(batch));
        told(kinesis::batch(&CONSUMER, event, &clock(), letters, &handler))
    };
    let well = &|_: &[u32]| Ok(());
    assert_eq!(told(broken(&[]), &FakeDeadLetterQueue::default(), well), [5, 0, 0]);
    assert_eq!(told(broken(&[0, 3]), &FakeDeadLetterQueue::default(), well), [3, 2, 0]);
    assert_eq!(told(broken(&[3]), &FakeDeadLetterQueue::unreachable(), well), [3, 0, 2]);
    let later = &|batch: &[u32]| match batch.contains(&2) {
        true => Err(Failure::unavailable("store", "down")),
        false => Ok(()),
    };
    // What cannot be buried comes again, and so do those before it that failed.
    assert_eq!(
        told(broken(&[3]), &FakeDeadLetterQueue::unreachable(), later)[2],
        5 - told(broken(&[3]), &FakeDeadLetterQueue::unreachable(), later)[0]
    );
    let never = &|batch: &[u32]| match batch.contains(&2) {
        true => Err(Failure::field("/n", "is even")),
        false => Ok(()),
    };
    assert_eq!(told(broken(&[3]), &FakeDeadLetterQueue::default(), never), [3, 2, 0]);
}

#[tokio::test]
async fn the_readable_records_are_handed_over_at_once_and_the_unreadable_one_is_buried() {
    let (letters, seen) = (FakeDeadLetterQueue::default(), RefCell::new(Vec::new()));
    let handler = async |batch: &[Delivery<Event>]| {
        seen.borrow_mut().push(numbers(batch));
        Ok(())
    };
    let event = fixture(include_str!("../../fixtures/kinesis.json"));
    let answer = kinesis::batch(&CONSUMER, event, &clock(), &letters, &handler).await.unwrap();
    assert_eq!((answer, seen.into_inner()), (again(&[]), vec![vec![1, 3, 4]]));
    let [letter] = letters.sent().try_into().unwrap();
    assert_eq!(
        (letter.reason.as_str(), letter.body.as_str()),
        ("unreadable", "gIGC"),
        "bytes that are no text stay encoded"
    );
    assert_eq!(letter.attributes["partitionKey"], "thing");
}

#[tokio::test]
async fn an_empty_batch_is_done() {
    let handler = async |_: &[Delivery<Event>]| Ok(());
    let event = json!({ "Records": [] });
    let answer = kinesis::batch(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::default(), &handler).await;
    assert_eq!(answer, Ok(again(&[])));
}

#[tokio::test]
async fn where_nothing_of_a_batch_is_done_the_invocation_fails() {
    let handler = async |_: &[Delivery<Event>]| Err(Failure::unavailable("store", "down"));
    let event = kinesis_event(&[&thing_done(1), &thing_done(2)]);
    let answer = kinesis::batch(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::default(), &handler).await;
    assert_eq!(answer, Err(FunctionError::batch_failed(2)));
}

#[tokio::test]
async fn one_bad_record_is_found_and_buried_and_does_not_block_the_shard() {
    let letters = FakeDeadLetterQueue::default();
    let handler = async |batch: &[Delivery<Event>]| match numbers(batch).contains(&2) {
        true => Err(Failure::field("/n", "is even")),
        false => Ok(()),
    };
    let event = kinesis_event(&[&thing_done(1), &thing_done(2), &thing_done(3)]);
    let answer = kinesis::batch(&CONSUMER, event, &clock(), &letters, &handler).await.unwrap();
    assert_eq!(answer, again(&[]));
    assert_eq!(letters.sent().iter().map(|letter| letter.record_id.as_str()).collect::<Vec<_>>(), ["2"]);
}

#[tokio::test]
async fn a_record_that_can_neither_be_read_nor_buried_comes_again_with_all_after_it() {
    let seen = RefCell::new(Vec::new());
    let handler = async |batch: &[Delivery<Event>]| {
        seen.borrow_mut().push(numbers(batch));
        Ok(())
    };
    let mut event = kinesis_event(&[&thing_done(1), &thing_done(2), &thing_done(3)]);
    event["Records"][1]["kinesis"]["data"] = json!("bm90IGpzb24=");
    let answer =
        kinesis::batch(&CONSUMER, event, &clock(), &FakeDeadLetterQueue::unreachable(), &handler).await.unwrap();
    assert_eq!((answer, seen.into_inner()), (again(&["2"]), vec![vec![1, 3]]));
}

#[tokio::test]
async fn poison_is_buried_once_however_often_the_batch_comes_again() {
    let letters = FakeDeadLetterQueue::default();
    let mut event = kinesis_event(&[&thing_done(1), &thing_done(2), &thing_done(3), &thing_done(4)]);
    event["Records"][0]["kinesis"]["data"] = json!("bm90IGpzb24=");
    event["Records"][2]["kinesis"]["data"] = json!("bm90IGpzb24=");
    let down = async |_: &[Delivery<Event>]| Err(Failure::unavailable("store", "down"));
    let answer = kinesis::batch(&CONSUMER, event.clone(), &clock(), &letters, &down).await.unwrap();
    assert_eq!(answer, again(&["2"]));
    let buried = || letters.sent().into_iter().map(|letter| letter.record_id).collect::<Vec<_>>();
    assert_eq!(buried(), ["1"], "what comes again is not buried yet");
    event["Records"].as_array_mut().unwrap().remove(0);
    for _ in 0..2 {
        let answer = kinesis::batch(&CONSUMER, event.clone(), &clock(), &letters, &down).await;
        assert_eq!(answer, Err(FunctionError::batch_failed(3)));
    }
    let up = async |_: &[Delivery<Event>]| Ok(());
    assert_eq!(kinesis::batch(&CONSUMER, event, &clock(), &letters, &up).await.unwrap(), again(&[]));
    assert_eq!(buried(), ["1", "3"]);
}

#[tokio::test]
async fn when_time_is_short_the_batch_comes_again_unhandled() {
    let handler = async |_: &[Delivery<Event>]| panic!("there is no time");
    let event = kinesis_event(&[&thing_done(1)]);
    let answer = kinesis::batch(&CONSUMER, event, &late(), &FakeDeadLetterQueue::default(), &handler).await;
    assert_eq!(answer, Err(FunctionError::batch_failed(1)));
}
