"""What the types of ``/openapi.json`` and their fields mean, for who generates a client of it.

The types' own docstrings are for who reads the code: they name modules, and Python's names.
"""

from __future__ import annotations

from collections.abc import Mapping

SHARED: Mapping[str, str] = {
    "account": "The id of the account whose it is.",
    "assigned_at": "Since when the tuple has the number: RFC 3339, in UTC.",
    "calls": "Calls since the tuple has the number.",
    "clicks": "Clicks since the tuple has the number.",
    "draining": "It is removed: nobody else gets it, and it goes when its guarantee is over.",
    "guaranteed_until": "Until when nobody else gets the number: RFC 3339, in UTC.",
    "id": "Lower-case letters, digits and -, 63 characters at most.",
    "message": "The same for people.",
    "next": "What to send as `after` for the next page; the last one has none.",
    "number": "In E.164.",
    "pool": "The pool's id.",
    "request_id": "Whatever the row had as its `request_id`.",
    "state": "Where the number comes from.",
    "target": "The number that is printed on the page, in E.164.",
    "tuple": "The parameters and values that the number belongs to.",
}
"""What a field means wherever its type says nothing else."""

_ALLOCATION = {
    "promo_number": "The number's national digits.",
    "promo_number_formatted": "The same with dashes.",
    "number": "In E.164. State `none` has no number.",
    "tracking_url": "A link that leads to the pool's landing page with a number of this tuple; "
    "only where the pool has a landing page.",
    "guaranteed_until": "Until when nobody else gets the number: RFC 3339, in UTC. Absent where "
    "nothing is promised.",
    "overflow": "Whether it is the pool's overflow number.",
    "ignored": "Parameters of the request that nobody reads: misspelled ones, perhaps.",
    "pool": "The pool that gave the number in place of the one that was asked, which had none. "
    "Else absent.",
    "fallback_from": "The pool that was asked then.",
}

_SOLD = {
    "outcome": "What came of it, in the call centre's own words.",
    "amount": "What it brought: a decimal, as a text or a number.",
    "currency": "Of the amount: ISO 4217.",
    "reason": "Why it ended so.",
    "sku_list": "What was sold.",
    "quantity_list": "How many of each, in the same order.",
}

_KNOWN_CALL = {
    "id": "The call's own.",
    "pool": "The pool that the number was called in.",
    "state": "How far it came, as far as it was told. `closed`: nobody told its end.",
    "started_at": "When it began: RFC 3339, in UTC.",
    "answered_at": "When it was answered. Absent: nobody told.",
    "ended_at": "When it was over.",
    "duration_seconds": "How long it lasted.",
    "overflow": "It was to the pool's overflow number.",
    "resting": "`quarantine` or `stock`: the number was in no pool.",
    "caller": "Who called, where the account stores callers.",
    "caller_hash": "By it a caller is known again.",
    "destination": "Where it was put through to.",
    **_SOLD,
    "tuple": "Who most likely made it. Absent: nobody, or it isn't known yet.",
    "probability": "How likely that is, 0 to 1. Absent: it isn't known yet.",
}

_KEY_REPORT = {
    "name": "Names it among the account's.",
    "fingerprint": "The first 8 digits of its hash.",
    "scopes": "What it may do.",
    "created": "When it was made: RFC 3339, in UTC. Absent where nobody knows.",
    "expires": "It works before then: RFC 3339, in UTC. Absent: for ever.",
    "expired": "Whether it doesn't work any more.",
    "last_used": "When it was last used, to the minute: RFC 3339, in UTC.",
    "former": "The one that it took the place of, while that works.",
}

_SOURCE = {
    "parameters": "The tuple: parameters and values. Absent where nobody is meant.",
    "search_engine": "Where the visitor searched.",
    "search_keywords": "For what.",
    "publisher": "The account that is credited.",
    "landing_page": "The page that the visitor came to.",
    "utm_source": "As in the page's URL.",
    "utm_medium": "As in the page's URL.",
    "utm_campaign": "As in the page's URL.",
    "click_ids": "Click ids of ad networks by name, such as `gclid`: of the last click, or the "
    "first where the last has none.",
}

TYPES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "Account": (
        "An advertiser, publisher or network: the owner of pools and stocks.",
        {
            "name": "For people.",
            "origins": "Pages that may ask for numbers, such as `https://www.newspress.example`. "
            "Empty: any.",
            "unroutable": "What becomes of calls to its numbers for which no pool has a "
            "destination. Absent: they are rejected.",
            "api_keys": "Keys with which the account's own servers and managers ask. Shown as "
            "hashes. Absent: those that it has. One may be given as its plain text, and may do "
            "everything then.",
            "quota": "How much it may have. Without one, any number.",
            "notify": "Who is told of events of the account, its pools and its stocks.",
            "store_callers": "Callers' numbers are kept, not only their hashes.",
            "retention": "How long the archive keeps its calls and clicks, such as `90d`: 1d to "
            "10y. Absent: for ever.",
            "carriers": "How carriers that tell of calls prove themselves. Without: none may.",
        },
    ),
    "ApiKey": (
        "An API key of an account, without its text.",
        {
            "name": "Names it among the account's: lower-case letters, digits and -.",
            "hash": "`sha256:` and the SHA-256 of its text, in hexadecimal digits.",
            "scopes": "What it may do.",
            "created": "When it was made: RFC 3339.",
            "expires": "It works before then: RFC 3339. Absent: for ever.",
            "former": "The one that it took the place of, while that works.",
        },
    ),
    "CallRoute": (
        "Where a call goes, and which click it comes from.",
        {
            "action": "`dial` the destination, say the announcement (`announce`), or `reject`.",
            "number": "The number that is called, in E.164.",
            "state": "`held` by a tuple; `draining`: likewise, and it leaves its pool then; "
            "`reserved`: in a pool, and nobody has it; `static`: everybody has it; `resting` in a "
            "stock; `overflow`: a pool's overflow number; `unknown`: the store doesn't answer, and "
            "all that is known is the pool that had it last.",
            "pool": "Whose number it is; of one that rests, where it was last.",
            "caller": "Who calls, in E.164. Absent: not known.",
            "destination": "Where the call goes, in E.164.",
            "whisper": "What is to be said to who answers.",
            "announcement": "What is to be said to the caller.",
            "parameters": "The tuple that has the number, as a URL or a SIP header carries it.",
            "holder": "Who holds the number; with `until`, who held it last.",
        },
    ),
    "CarrierReply": (
        "What became of a carrier's events.",
        {
            "recorded": "How many of them are recorded, now or before.",
            "ignored": "Why others aren't: another leg, or a number that is in no pool or stock.",
        },
    ),
    "Carriers": (
        "How carriers prove that what they tell of calls comes from them.",
        {
            "twilio": "What Twilio signs with.",
            "telnyx": "What verifies Telnyx' signatures.",
            "freeswitch": "How FreeSWITCH logs in.",
            "generic": "What your own software signs with.",
        },
    ),
    "FreeSwitchAccess": (
        "`cred` of FreeSWITCH's `json_cdr.conf`.",
        {
            "user": "What stands before the colon.",
            "password": "What stands after it. Never in answers. Absent: the present one.",
            "encode_values": "As there: whether variables are URL-encoded.",
        },
    ),
    "GenericAccess": (
        "Secrets of `Ringpool-Signature`.",
        {
            "secret": "Never in answers. Absent: this and the former one are as they are.",
            "former_secret": "It is taken too, while the sender changes. Never in answers.",
        },
    ),
    "SharedKey": (
        "A key that Twilio signs with where a Webhooks Rule says so.",
        {
            "id": "As Twilio names it.",
            "secret": "Never in answers. Absent: the one that the key of this id has.",
        },
    ),
    "TelnyxAccess": (
        "Ed25519 keys in base64, as Telnyx shows them.",
        {
            "public_key": "The account's at Telnyx.",
            "former_public_key": "It is taken too, while the other takes its place.",
        },
    ),
    "TwilioAccess": (
        "What Twilio signs with.",
        {
            "auth_token": "The account's at Twilio. Never in answers. Absent: this and the former "
            "one are as they are.",
            "former_auth_token": "It is taken too, while the other takes its place. Never in "
            "answers.",
            "shared_keys": "Keys that sign in its place.",
        },
    ),
    "FormerApiKey": (
        "The key that an API key took the place of.",
        {"hash": "As of the key.", "until": "It works before then: RFC 3339."},
    ),
    "FormerKey": (
        "The key that a pool's key took the place of.",
        {"key": "Its text.", "until": "It works before then: RFC 3339."},
    ),
    "FormerKeyReport": (
        "The key that an API key took the place of.",
        {
            "until": "It works before then: RFC 3339, in UTC.",
            "last_used": "When it was last used, to the minute: RFC 3339, in UTC.",
        },
    ),
    "KeyList": ("An account's API keys.", {"keys": "In the order of the account."}),
    "KeyReport": ("An API key, without its text.", _KEY_REPORT),
    "MadeKey": (
        "A key that was just made.",
        {**_KEY_REPORT, "key": "Its text: `rp_` and 43 characters. Nobody can show it again."},
    ),
    "NewKey": (
        "A key to be made.",
        {
            "name": "Names it among the account's: lower-case letters, digits and -.",
            "scopes": "What it may do.",
            "expires": "It works before then: RFC 3339 with an offset. Absent: for ever.",
            "expires_in": "The same as a span: a whole number and one of s m h d w y.",
        },
    ),
    "PoolKey": (
        "A pool's new key.",
        {
            "key": "Its text.",
            "former_key": "The one before, while that works.",
        },
    ),
    "PublicKey": (
        "A public key, as a JSON Web Key (RFC 7517).",
        {
            "kty": "Always `EC`.",
            "crv": "Always `P-256`.",
            "x": "Of the point, in base64url.",
            "y": "Of the point, in base64url.",
            "alg": "Always `ES256`.",
            "use": "Always `sig`.",
            "kid": "Names it: its thumbprint (RFC 7638).",
        },
    ),
    "PublicKeys": (
        "The public keys of tracking links.",
        {"keys": "The one that signs, then the former one, if there is one."},
    ),
    "Rotation": (
        "How a key is replaced.",
        {
            "overlap": "How long the present one goes on working: a whole number and one of "
            "s m h d w y.",
        },
    ),
    "Report": (
        "Clicks and calls by group.",
        {
            "by": "What they are grouped by.",
            "timezone": "Whose days and hours are meant.",
            "names": "What a row's `group` may have, in order.",
            "rows": "The groups with the most calls first, then what is no source's; hours from "
            "Monday on.",
            "total": "Of all groups, also those that are left out. Credit in it is sources' alone.",
            "left_out": "How many groups there are beside those of the rows. Absent: none.",
            "from": "Since when: RFC 3339, in UTC. Absent: since ever.",
            "to": "Before when: RFC 3339, in UTC. Absent: until now.",
            "held_as_of": "Clicks of numbers that are still held are counted up to then: RFC 3339, "
            "in UTC. Absent: none are yet.",
        },
    ),
    "ReportRow": (
        "A group of clicks and calls. Shares are of 1, and 0 of nothing.",
        {
            "group": "What they have in common. A parameter that the tuples don't have is absent.",
            "who": "Empty for a group of sources; else why it is none: `nobody`'s click made these "
            "calls, most likely; they aren't attributed yet (`pending`); it is `unknown` whose "
            "they are, since the source isn't kept any more, or was another account's.",
            "clicks": "Of assignments that began then, and of visits that found no number.",
            "overflow_share": "Of the clicks, the share that found no number.",
            "calls": "Calls whose best candidate is of the group.",
            "answered": "Of them, those that were answered.",
            "soft_credit": "The sum of the probabilities that calls are the group's.",
            "hard_credit": "Of the calls, those that are attributed, each whole to its best "
            "candidate.",
            "unsure_share": "Of these, the share that can't be told apart: the best candidate's "
            "probability is below 0.9.",
        },
    ),
    "Transactions": (
        "A page of calls in detail.",
        {
            "timezone": "On whose clocks `start_time_local` is.",
            "transactions": "By account and start.",
            "next": "The `start_after_transaction_id` of the next page; the last one has none.",
        },
    ),
    "Transaction": (
        "A call. What is told of clicks is the best candidate's.",
        {
            **_SOURCE,
            "transaction_id": "The call's id.",
            "start_time_local": "When it began, on the clocks of the time zone: RFC 3339.",
            "start_time_utc": "The same in UTC.",
            "duration": "Seconds.",
            "state": "How far it is: `ringing`, `answered`, `ended`, `missed` or `closed`.",
            "pool": "The pool that was called.",
            "number": "The number that was called, in E.164.",
            "attributed": "Whether it is known who may have made it.",
            "probability": "That it was the best candidate.",
            "candidates": "Who may have made it, the most probable first. All add up to 1.",
            "overflow": "Whether the overflow number was called.",
            "resting": "Where the number rested: `quarantine` or `stock`.",
            "answered_at": "RFC 3339, in UTC.",
            "ended_at": "RFC 3339, in UTC.",
            "caller": "In E.164, where the account stores callers.",
            "caller_hash": "The same for the same caller; tells no number.",
            "destination": "Where it was put through to.",
            "outcome": "What came of it, as it was told.",
            "amount": "What it was worth, as it was told.",
            "currency": "Of the amount.",
            "reason": "Why, as it was told.",
            "sku_list": "What was bought.",
            "quantity_list": "How much of each.",
        },
    ),
    "TransactionCandidate": (
        "Who may have made a call. Of a source that was another account's there is its probability "
        "alone.",
        {
            **_SOURCE,
            "why": "`click`, `returning caller` or `nobody`: dialled from memory.",
            "probability": "That it was this one.",
            "pool": "The pool that showed it the number.",
            "clicks": "How many it had with the number.",
            "first_click_at": "RFC 3339, in UTC.",
            "last_click_at": "RFC 3339, in UTC.",
        },
    ),
    "Scope": (
        "What an API key may do: `read` what is its account's; `calls`: report calls and look "
        "numbers up; `allocate`: ask for visitors' numbers; `manage`: change what is its "
        "account's, and read it.",
        {},
    ),
    "AccountList": ("A page of accounts.", {"accounts": "By id."}),
    "Activity": (
        "How much one call and one click weigh when numbers are compared by their activity.",
        {
            "call": "Weight of a call.",
            "click": "Weight of a click.",
            "half_life": "After how long half of it is left. Absent: the minimum duration.",
        },
    ),
    "Actor": (
        "Who made a change, and from where. What isn't known, or isn't for who asks, is absent.",
        {
            "kind": "`administrator`: by that one's token; `account`: by an account's key; "
            "`command`: by the `ringpool` command; `service`: by itself; `operator`: what an "
            "account's key sees in the place of the others.",
            "account": "The account whose key it was.",
            "key": "The name of the key.",
            "user": "The system's user who gave the command.",
            "address": "The client's address, or the name of the host that the command ran on.",
            "via": "Method and path, or the command.",
        },
    ),
    "Allocation": ("A number for a tuple, or state `none`.", _ALLOCATION),
    "Budget": (
        "What one client network, a /24 or a /64, may have of a pool. 0: as much as there is.",
        {
            "share": "Percent of the numbers inside guarantees that it began.",
            "least": "How many it may have at least, however small the pool is.",
            "rate": "New ones a minute.",
            "key_rate": "New ones a minute for everybody who has the pool's key, together.",
        },
    ),
    "Autoscale": (
        "How fast a pool grows ahead of need, and gives back what it doesn't need.",
        {
            "grow": "At most such a share of `max_size` in each such span.",
            "shrink": "Of the numbers that were unused for such a span, at most such a share of "
            "`max_size`; or `hourly`, `daily`, `weekly` (10% of it) or `never`.",
        },
    ),
    "BulkAnswer": ("A number for a row, or state `none`.", _ALLOCATION),
    "BulkError": (
        "Why a row has no answer.",
        {"error_class": "The class of what is wrong, for programs."},
    ),
    "BulkRequest": ("Many requests for a number.", {"requests": "1 to 1,000 rows."}),
    "BulkResponses": ("One answer or error a row.", {"responses": "In the order of the rows."}),
    "BulkRow": (
        "One request for a number.",
        {
            "api_suffix": "Path and query of the request, from the pool's id on or from further "
            "left: `POOL/allocate_number.json?ring_pool_key=…&website=one`.",
            "request_id": "Anything: the answer has it too.",
        },
    ),
    "CallBatch": (
        "Many events of calls, in any order.",
        {"calls": "Each is checked by itself, so that a bad one fails alone."},
    ),
    "CallError": (
        "Why an event of a batch wasn't recorded.",
        {
            "class": "As a problem has it.",
            "detail": "A sentence for people.",
            "errors": "Each field that is wrong.",
        },
    ),
    "CallReplies": (
        "The answers to a batch.",
        {"results": "In the order of the events."},
    ),
    "CallReply": (
        "Whom a call is credited to.",
        {
            "id": "The call's.",
            "event": "What was told of it. Absent: that it started.",
            "pool": "The pool that the number was called in; of one that rests, who had it last.",
            "stock": "Where the number rests.",
            "counted": "False: a call of this id was counted before, or this is an outcome, which "
            "doesn't count by itself.",
            "recorded": "False: this event of the call was told before. Absent: it wasn't.",
            "overflow": "It is the overflow number of the pool: nobody held it.",
            "resting": "`quarantine` or `stock`: the number is in no pool. Absent: it is.",
            "tuple": "Who held the number when the call started. Absent: nobody.",
            "error": "In a batch: why this event wasn't recorded.",
        },
    ),
    "CallReport": (
        "An event of an inbound call.",
        {
            "id": "The call's own: it counts once, and each event of it, however often it is told.",
            "number": "The number that was called, in E.164.",
            "event": "What happened. Absent: it began, and is over with `duration_seconds`.",
            "at": "When that was: RFC 3339 with an offset. Absent: now.",
            "started_at": "When the call began to ring, for who tells of what came after.",
            "caller": "The number that called; may be withheld.",
            "duration_seconds": "How long it lasted.",
            "destination": "Where it was put through to.",
            **_SOLD,
        },
    ),
    "CallCandidate": (
        "Who may have made a call.",
        {
            "why": "`click`: held the number, or was shown the overflow number; "
            "`returning caller`: made an earlier call; `nobody`: it was dialled from memory.",
            "probability": "How likely, 0 to 1; those of a call add up to 1.",
            "clicks": "How many there were until the call, as far as is known.",
            "first_click_at": "When the first of its clicks was: RFC 3339, in UTC.",
            "last_click_at": "When the last one was; absent where that isn't known, as others came "
            "after the call.",
            "first_click": "What came with the first click.",
            "last_click": "What came with the last click.",
        },
    ),
    "CallDetail": (
        "A call with all that is known of it.",
        {
            **_KNOWN_CALL,
            "holder": "Who held the number when it began; of one that rested, who had it last. "
            "Absent: nobody.",
            "events": "What was told of it, in the order in which it happened.",
            "candidates": "Who may have made it, the best first. Absent: it isn't known yet.",
        },
    ),
    "CallHolder": (
        "Who held a number when a call began.",
        {"until": "Until when: RFC 3339, in UTC. Absent: it still had it when that was told."},
    ),
    "CallMoment": (
        "Something that was told of a call.",
        {
            "event": "What happened. `closed`: nobody told its end for long.",
            "at": "When: RFC 3339, in UTC.",
            "received_at": "When it was told.",
        },
    ),
    "CallOutcome": (
        "What came of a call.",
        {
            "number": "The number that was called. Needed while the archive doesn't know the call.",
            "at": "When that was: RFC 3339 with an offset. Absent: now.",
            **_SOLD,
        },
    ),
    "KnownCall": ("A call, made of all that was told of it.", _KNOWN_CALL),
    "KnownCalls": ("A page of calls.", {"calls": "The latest first."}),
    "Comparison": (
        "A condition that isn't a text or a list of texts: exactly one of these is given.",
        {
            "prefix": "What the value begins with.",
            "pattern": "A regular expression in RE2's syntax, found anywhere in the value.",
            "present": "Whether there is a value.",
        },
    ),
    "ConditionFound": (
        "One condition of a rule, and what the visit has.",
        {
            "field": "What the condition is about: `medium`, `host`, `utm_source`…",
            "expected": "What the rule wants.",
            "values": "What the visit has.",
            "met": "Whether one of them is what the rule wants.",
        },
    ),
    "CountedNumbers": (
        "How many numbers, and which.",
        {"count": "How many.", "numbers": "The first 100, in E.164."},
    ),
    "EntityChange": (
        "What a change made of one account, pool or stock.",
        {
            "kind": "`account`, `pool` or `stock`.",
            "what": "`created`, `changed` or `deleted`.",
            "former": "Whose it was before. Absent: it wasn't there.",
            "account": "Whose it is since. Absent: it isn't there.",
            "fields": "The fields that differ.",
            "added": "Numbers that it got.",
            "removed": "Numbers that it lost: each drains until its guarantee is over.",
        },
    ),
    "Event": (
        "What others can be told of: a pool that has no number left to give, has some again, will "
        "soon have none, or has grown from its stock; a stock that is low; a change of the "
        "configuration.",
        {},
    ),
    "Explanation": (
        "A visit as the rules see it, and what each printed number would become.",
        {
            "visit": "What the visit is known by, as far as it is known.",
            "targets": "One for each printed number.",
        },
    ),
    "FieldChange": (
        "One field before and after. null: it is at its default.",
        {
            "field": "Its name.",
            "before": "What it was. Secrets are masked.",
            "after": "What it is since. Secrets are masked.",
        },
    ),
    "FieldFault": (
        "One field that is wrong.",
        {"field": "Its path: `min_duration`, `numbers[0]`…", "message": "What is wrong with it."},
    ),
    "Fill": (
        "When a pool takes numbers from its stock: as tuples need them and a few ahead, or at once "
        "up to `max_size`.",
        {},
    ),
    "Health": (
        "That the service is there.",
        {
            "status": "`alive` or `ready`.",
            "version": "The service's.",
            "limited": "What doesn't go on meanwhile, and why: a disk that is nearly full.",
        },
    ),
    "Holder": (
        "Who holds a number, or held it.",
        {
            "assigned_at": "From when: RFC 3339, in UTC.",
            "until": "To when. Absent: they hold it still.",
            "first_click": "What is known of the first click: `gclid`, `referrer_host`, `device`…",
            "last_click": "What is known of the last one.",
        },
    ),
    "Match": ("By what a number fits its visitor: `area`, by the telephone area.", {}),
    "NoSwap": (
        "Why a printed number stays.",
        {
            "reason": "`exhausted`, `budget` (the visitor's network may have no more), "
            "`store_unavailable`, `not_a_visitor`, `invalid_parameter`, "
            "`missing_parameter`, `unknown_value`, `no_rule` (it has pools, none of them for this "
            "visit), `unknown_target` (it has none) or `unknown_pool` (deleted just now).",
            "pool": "The pool that was asked. Absent: none was.",
            "message": "For people: which parameter, and what is wrong with it.",
        },
    ),
    "Notify": (
        "A webhook or an e-mail address, one of the two, that is told of events.",
        {
            "webhook": "An address that is posted to. It must be public, unless the operator "
            "allows it.",
            "email": "One e-mail address.",
            "secret": "Signs what the webhook gets. Never in answers. Absent: the one that the "
            "same webhook has; a new one needs one.",
            "former_secret": "Signs it too, while the receiver changes from this one to the other. "
            "Never in answers.",
            "events": "Which. Empty: all.",
            "cooldown": "Of one event of one pool it is told at most once in this time: 1m to 7d.",
        },
    ),
    "NumberChange": (
        "Numbers to add or to remove.",
        {"numbers": "1 to 10,000, in E.164."},
    ),
    "NumberType": (
        "What callers pay for, or reach, by a number. `other`: none of these, or it isn't known.",
        {},
    ),
    "NumberFormat": ("How a number is written on a page.", {}),
    "NumberLookup": (
        "One number: whose it is, where, and who holds it.",
        {
            "owner": "`pool/ID` or `stock/ID`: where the configuration has it.",
            "pool": "The pool that it is in now.",
            "available_from": "When its stock may give it to a pool again: RFC 3339, in UTC.",
            "at": "The time that was asked for.",
            "holder": "Now, or at `at`. Absent: nobody. Of a number that has left all pools and "
            "stocks, who held it last, unless `at` was given.",
            "overflow_of": "Pools whose overflow number it is.",
        },
    ),
    "OnExhausted": (
        "Who is told when a pool has no number left to give.",
        {"webhook": "An address that is posted to within ten seconds. Set by administrators."},
    ),
    "OverflowOf": (
        "A pool whose overflow number it is.",
        {
            "answers": "How often the pool had nothing else to give in the hour (UTC) of the time "
            "asked for."
        },
    ),
    "Pool": (
        "A RingPool: numbers handed out to parameter tuples under one set of rules.",
        {
            "name": "For people.",
            "key": "What ad servers send. Absent: made, then kept. Answers to an API key that may "
            "neither allocate nor manage are without it.",
            "former_key": "The key before, while that works. Absent: as it is.",
            "type": "What its tuples are made of.",
            "parameters": "1 to 10 names, for the custom types.",
            "values": "The legitimate values of its parameters: a list, or a pattern.",
            "strict": "The number API refuses a request with a parameter that nobody reads.",
            "require": "How many of its parameters a tuple must have.",
            "min_duration": "How long a number is its tuple's at least: a whole number and one of "
            "s m h d w y.",
            "hold_on_activity": "How long after each click or ping its guarantee lasts at least. "
            "Absent: as long as `min_duration`; `0s`: none extends it.",
            "recycle": "Which number goes next when none is unassigned.",
            "activity": "What calls and clicks weigh, and how fast that fades.",
            "max_size": "Most numbers, those from its stock included.",
            "fill": "When it takes numbers from its stock.",
            "numbers": "All its own numbers, in E.164. Absent: those that it has.",
            "stock": "The stock that it grows from: its id, or that and the kind of its numbers.",
            "initial": "How many numbers it is brought from its stock to start with. Absent: a "
            "tenth of `max_size`, one at least.",
            "low_water": "With fewer unassigned numbers it is brought more ahead of need. Absent: "
            "half of `initial`.",
            "autoscale": "How fast it grows ahead of need, and gives back what it doesn't need. "
            "Absent: as fast as it goes, and nothing.",
            "fallback": "The id of the pool that is asked when this one has nothing to give, "
            "before its overflow number is given.",
            "overflow_number": "Given when every number is inside its guarantee.",
            "allow_overflow": "False: the page keeps its own number then.",
            "destination": "Where its calls are sent; never handed out.",
            "whisper": "What is said to who answers a call: `{website}` stands for that parameter "
            "of the tuple.",
            "landing_url": "Where its tracking link leads.",
            "swap_targets": "Numbers on the account's pages that it replaces.",
            "match": "By what its numbers fit a visitor, who gets one that does if there is one.",
            "when": "Which visits it is for: conditions by field, all of which must be met. "
            "Absent: every visit.",
            "priority": "Lower is asked first; among equals the order of ids.",
            "touch": "Which of the visitor's visits its tuples are made of.",
            "sticky": "A visitor keeps its number as long as it is theirs, whatever brings them "
            "next.",
            "format": "How its numbers are written on pages.",
            "mobile_click_to_call": "On phones its tracking link opens the dialer first.",
            "budget": "What one client network may have of it.",
            "history_bytes": "How much is kept of a number's former holders.",
            "on_exhausted": "Who is told when it has no number left to give.",
            "notify": "Who else is told of its events than those whom the account names.",
        },
    ),
    "PoolConsidered": (
        "One pool that replaces the printed number, in the order of the rules.",
        {
            "priority": "Lower is asked first.",
            "matched": "Whether it is for this visit: it is, if every condition is met.",
            "conditions": "Those of the pool's `when`.",
        },
    ),
    "PoolList": ("A page of pools.", {"pools": "By id."}),
    "PoolNumber": (
        "One number of a pool, and who holds it.",
        {
            "tuple": "Who holds it. Absent, as all that follows: it is unassigned.",
            "guaranteed_until": "RFC 3339, in UTC. In the past: another tuple may get it.",
        },
    ),
    "PoolNumbers": ("A page of a pool's numbers.", {"numbers": "In no particular order."}),
    "PoolStatus": (
        "A pool's numbers and answers, counted.",
        {
            "size": "Numbers in the pool, the draining ones among them.",
            "unassigned": "Numbers that nobody has.",
            "held": "Numbers inside a guarantee.",
            "recyclable": "Numbers whose guarantee is over.",
            "draining": "Numbers that go when their guarantee is over.",
            "overflow_total": "How often it had nothing to give: its overflow number, one of the "
            "pool that it falls back on, or none was given.",
            "new_total": "How often an unassigned number was.",
            "recycled_total": "How often a recycled one was.",
            "held_total": "How often a tuple got the number that it had.",
            "utilization": "Share of the numbers that are inside a guarantee, 0 to 1.",
            "oldest_held_seconds": "How long the assignment that falls due first has stood.",
            "exhausted": "Whether the next new tuple gets no number of the pool.",
            "backlog": "Numbers whose guarantee is over and that are yet to be put into the order "
            "of recycling.",
            "calls_total": "Calls to its numbers.",
            "overflow_calls_total": "Calls to its overflow number.",
            "budget_refused_total": "Answers without a number: the network is over its budget.",
            "unbudgeted_total": "Guarantees begun for visitors whose network isn't known.",
            "last_unbudgeted": "When the last of these was, in Unix milliseconds; 0: never.",
            "recycled_age_total": "How long the former assignments of recycled numbers stood, all "
            "together, in milliseconds.",
            "recycled_early_total": "How many numbers were recycled less than twice the minimum "
            "duration after their last activity, without a call.",
            "ledger_waiting": "Messages of its ledger that the archive hasn't read yet.",
            "ledger_waiting_seconds": "How long the oldest of these has waited.",
            "sizing": "Whether it is too small or too big, and by how much.",
            "attribution": "How well its calls are attributed. `null`: the archive doesn't answer.",
            "last_overflow": "When it had nothing to give last, in Unix milliseconds; 0: never.",
            "clock": "What the pool holds for now, in Unix milliseconds.",
        },
    ),
    "PoolSeries": (
        "What happened in a pool.",
        {
            "unit": "What a row is of.",
            "rows": "The oldest first, none left out.",
            "begun": "When the pool was asked first, or since when it is noted: RFC 3339, in UTC. "
            "Absent: it never was.",
            "next": "The `from` of the rows after these. Absent: there are none.",
        },
    ),
    "PoolSizing": (
        "How many numbers a pool needs for what it saw, and what comes of having so many.",
        {
            "sizing": "The answer.",
            "question": "As it was asked: what came with the request, and the rest as the pool saw "
            "it. `/admin/v1/size` takes the same.",
            "busiest": "When the time began that this is about: RFC 3339, in UTC.",
            "hours": "How long that was.",
        },
    ),
    "PoolType": ("What the parameter tuples of a pool are made of.", {}),
    "Problem": (
        "What is wrong with a request (RFC 9457).",
        {
            "title": "The status in words.",
            "status": "The HTTP status.",
            "class": "The class of what is wrong, for programs.",
            "detail": "What is wrong, for people.",
            "type": "Always `about:blank`.",
            "errors": "Each field that is wrong.",
            "action": "Of a call all the same: `reject`. Absent where it isn't about a call.",
        },
    ),
    "Unroutable": (
        "What becomes of calls that have no destination: one of the two.",
        {"destination": "Where they go, in E.164.", "announcement": "What their callers hear."},
    ),
    "ValuePattern": (
        "Values in which a pattern is found.",
        {"pattern": "In RE2's syntax, found anywhere unless it has `^` and `$`."},
    ),
    "RecordedChange": (
        "One change: who made it, when, from where, and what was before and after.",
        {
            "revision": "The number of the change, and of the configuration that it made.",
            "at": "When it came into force, by the store's clock: RFC 3339, in UTC.",
            "by": "Who made it.",
            "entities": "What it made of each account, pool and stock.",
            "undoes": "The revision of the change that it undoes. Absent: it is no undo.",
            "cut": "True: values over 500 characters are cut off, or differences left out.",
            "more": "How many further entities it changed.",
        },
    ),
    "RecordedChanges": ("A page of changes.", {"changes": "The newest first."}),
    "Recycle": ("Which recyclable number goes next when no unassigned one is left.", {}),
    "Needed": (
        "How many numbers would have served a pool when it refused last.",
        {
            "numbers": "Its own and one for each tuple that it refused within a guarantee before.",
            "sure": "`exactly`: every refusal is known; `about`: estimated from those that are "
            "kept; `at_least`: older ones were dropped.",
        },
    ),
    "RefusalReport": (
        "What a pool refused lately, and why.",
        {
            "why": "Why the newest was, in a sentence.",
            "needed": "How many numbers would have served it. Null: it didn't refuse for want of "
            "numbers.",
            "refusals": "The newest first.",
        },
    ),
    "Refused": (
        "An ask that got no number of the pool.",
        {
            "at": "When: RFC 3339, in UTC.",
            "reason": "`held`: every number was inside its guarantee; `budget`: the network had "
            "what it may have.",
            "tuple": "Who asked.",
            "cut": "True: of the tuple only the first 256 bytes are kept.",
            "network": "The client's network; `with the pool's key`: the number API's. Absent: "
            "not known.",
            "size": "How many numbers the pool had.",
            "first_due": "When the first of its guarantees then ended: RFC 3339, in UTC. Absent: "
            "it had none.",
            "no_growth": "Why it took none of a stock: `no_stock`, `max_size` or `stock_empty`.",
            "more": "How many further ones of this reason came until the next that is kept.",
        },
    ),
    "Require": (
        "How many of its parameters a tuple must have for the pool to give it a number.",
        {},
    ),
    "SeriesRow": (
        "What happened in a pool in one minute or one hour.",
        {
            "start": "When it began: RFC 3339, in UTC.",
            "asks": "Answers given, whatever their state.",
            "new": "Of them, with an unassigned number.",
            "recycled": "With a recycled one.",
            "overflow": "With the overflow number, or with none because all were held.",
            "peak_held": "Most numbers inside a guarantee at a time.",
            "calls": "Calls to the pool's numbers.",
            "age_seconds": "How long the former assignments of the recycled numbers had stood, on "
            "average; 0: none was recycled.",
        },
    ),
    "Sizing": (
        "How many numbers a pool needs, and what comes of having so many.",
        {
            "load": "Numbers that would be taken at a time at the peak, were there enough, on "
            "average (erlangs).",
            "needed": "The fewest with which no more overflow comes than was asked for.",
            "numbers": "For how many the following is: those given, else those needed.",
            "overflow": "Share of new tuples that find no number, 0 to 1.",
            "life_seconds": "For how long a tuple has its number on average once all are in use.",
            "late_calls": "Share of calls that come after the minimum duration, 0 to 1.",
            "late_calls_mean": "Share of calls that come after the mean life, 0 to 1.",
        },
    ),
    "State": (
        "`new`: nobody had the number; `held`: this tuple had it already; `recycled`: another "
        "tuple had it, whose guarantee was over; `overflow`: every number is inside a guarantee, "
        "and this is the overflow number; `none`: show the page's own number.",
        {},
    ),
    "Attribution": (
        "How well the calls of a pool are attributed to who made them.",
        {
            "calls": "Those of the last 30 days that are attributed.",
            "text": "A sentence or two for people: whether the pool tells its sources apart, and "
            "what would mend it.",
            "sure_share": "Of these calls, those whose best candidate has 0.9 or more. Absent: "
            "there are none.",
            "median_delay_seconds": "From click to call, in the median, as it was learned of all "
            "calls. Absent: not yet.",
            "can_tell": "Whether most calls come while their number is held. Absent: too few calls "
            "to say.",
            "least_duration": "What the minimum duration should be at least, for that. Absent: too "
            "few calls to say.",
        },
    ),
    "SizeVerdict": (
        "Whether a pool's size fits what came to it at its busiest.",
        {
            "fit": "`unknown`: too little was seen.",
            "text": "A sentence or two for people.",
            "needed": "Numbers for 1% overflow then. Absent: unknown.",
            "overflow": "Share of new tuples, 0 to 1, that find none then with those there are.",
        },
    ),
    "Fit": ("How a pool's size fits what comes to it.", {}),
    "Stock": (
        "Numbers kept ready, from which an account's pools grow.",
        {
            "quarantine": "How long a number that left a pool rests: a whole number and one of "
            "s m h d w y.",
            "quiet": "How long after the last call a number that was called while it rested isn't "
            "given.",
            "low": "With fewer numbers available it is low, which is told. null: with fewer than a "
            "tenth of all.",
            "numbers": "All its numbers, in E.164. Absent: those that it has.",
        },
    ),
    "Quota": (
        "How much an account may have at most. What isn't given isn't limited.",
        {
            "pools": "How many pools.",
            "stocks": "How many stocks.",
            "numbers": "How many numbers in all of its pools and stocks. One that drains counts "
            "until it has left.",
            "requests": "How many requests a minute with its API keys.",
            "history": "How many bytes of each number's former holders are kept.",
        },
    ),
    "StockCounts": (
        "A stock's numbers, counted.",
        {
            "size": "All of them.",
            "available": "Those that a pool may get now.",
            "resting": "Those that left a pool, and rest.",
            "lent": "Those that are in a pool.",
            "moving": "Those on their way to a pool.",
        },
    ),
    "StockKind": (
        "A stock, and which kind of its numbers a pool takes. What isn't given may be anything.",
        {
            "id": "The stock's.",
            "country": "Two letters (ISO 3166), or 001 for numbers of no country.",
            "type": "Their type.",
            "area": "The digits that they begin with after the country's code, such as 212.",
        },
    ),
    "StockNumber": (
        "One number of a stock, and where it is.",
        {
            "country": "Two letters (ISO 3166), or 001 for a number of no country.",
            "types": "Its type; both where the country has one range for `local` and `mobile`.",
            "state": "Where it is.",
            "pool": "The pool that it is lent to, or on its way to.",
            "available_from": "Until when it rests: RFC 3339, in UTC.",
            "draining": "It is removed: it goes when it is back.",
            "calls": "Calls to it that began since it is in the stock.",
            "last_call": "When the last of these began: RFC 3339, in UTC.",
        },
    ),
    "StockNumbers": ("A page of a stock's numbers.", {"numbers": "In no particular order."}),
    "StockState": (
        "`available`: a pool may get it now; `resting`: it left a pool, or was called; `lent`: it "
        "is in a pool; `moving`: it is on its way there.",
        {},
    ),
    "StockList": ("A page of stocks.", {"stocks": "By id."}),
    "Swap": (
        "The number to show in the place of a printed one.",
        {
            "target": "The number that is printed on the page, in E.164. Empty where a pool "
            "without targets was asked for by name.",
            "display": "As the pool's `format`, or the one asked for, writes it.",
            "national": "As it is written in its country.",
            "international": "With its country's code.",
            "cc": "The country's code alone.",
            "pool": "The pool that gave the number.",
            "fallback_from": "The pool that was asked, where it had none and `pool` gave one in "
            "its place. Else absent.",
            "keep": "What to send as `held`: with pings, which extend the number's guarantee, "
            "and on later visits, for the visitor to keep the number of a sticky pool.",
            "guaranteed_until": "Until when nobody else gets the number: RFC 3339, in UTC. Absent "
            "where nothing is promised.",
            "hold_ms": "For how many milliseconds from the request on the visitor may be shown it. "
            "0: ask again for the next page.",
        },
    ),
    "SwapError": (
        "What is wrong with a request.",
        {"class": "The class of what is wrong, for programs."},
    ),
    "Swaps": (
        "Which numbers a page shows.",
        {
            "error": "What is wrong with the request; then there are no numbers.",
            "swaps": "Printed numbers that are replaced.",
            "none": "Printed numbers that stay.",
        },
    ),
    "TargetExplained": (
        "What a printed number would become, and why.",
        {
            "why": "`link`: by a tracking link's signed number; `kept`: by a number of a sticky "
            "pool that the visitor has; `rule`: by the first pool that is for this visit; "
            "`no_rule`: no pool is.",
            "pool": "The pool that would give the number.",
            "fallback_from": "The pool that is for this visit, where it has nothing and `pool` "
            "would give one in its place. Else absent.",
            "tuple": "Who would get it. Absent: it is given without a tuple.",
            "number": "In E.164. Empty where the stock would send one, and with state `none`.",
            "reason": "Why the printed number would stay, as for `/v1/swap`.",
            "rules": "The pools that replace the printed number, as they were tried.",
        },
    ),
    "Touch": (
        "Which of a visitor's visits a tuple is made of: the first, or the present one.",
        {},
    ),
    "UndoneChange": (
        "What the undoing of a change changes.",
        {
            "undoes": "The revision of the change that is undone.",
            "revision": "The revision that it makes. Absent: it was only tried.",
            "entities": "What it makes of each account, pool and stock.",
            "left": "Fields that stay as they are, such as `pool/ad-placement.key`: what they were "
            "before isn't kept, as it is secret.",
        },
    ),
    "Verdict": (
        "Whether a tracking link's number is ours.",
        {"valid": "Signed by this service, and not over yet."},
    ),
}
"""By name: what the type is, and what those of its fields are that aren't among the shared."""


def meaning(type_name: str) -> tuple[str, Mapping[str, str]]:
    """What a type and its fields mean; of an entity's PUT and PATCH what the entity does."""
    name = type_name if type_name in TYPES else type_name.removeprefix("Put").removeprefix("Patch")
    text, fields = TYPES.get(name, ("", {}))
    return text, {**SHARED, **fields}
