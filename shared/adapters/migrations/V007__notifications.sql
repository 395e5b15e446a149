-- Where to write to. What was written is in the inbox: a letter stands for the event that caused it.

CREATE TABLE notifications.contacts (
    user_id uuid PRIMARY KEY,
    email   text NOT NULL,
    name    text
);
