//! Attacks in what the component says of itself.

use cognito_connector::contract::describe::{Access, Authentication, Description, Guest, Origin};
use cognito_connector::describe::description;

use crate::tap::Tap;
use crate::{Hostile, machine, mark};

/// The name of every component that is made of this one.
const NAME: &str = "hostile-connector";

impl Guest for Hostile {
    fn describe() -> Description {
        mark::enter("describe", true);
        let mut described = description();
        NAME.clone_into(&mut described.name);
        if let Some(attack) = mark::now() {
            machine::strike(attack);
            twist(&mut described, attack);
        }
        described
    }
}

fn twist(described: &mut Description, attack: mark::Attack) {
    let wire = &mut described.wire;
    match attack.name {
        // It asks for another place.
        "origin" => {
            wire.origins = vec![Origin {
                template: attack.argument.to_owned(),
                when: None,
            }];
        }
        // It tells more than anybody can hear.
        "huge-answer" => described.display_name = "long ".repeat(8 << 20),
        // It sends something on this occasion.
        "send" => {
            let _ = Tap.send_to(attack.argument);
        }
        // It asks for another service to be signed for.
        "signing-service" => {
            if let Authentication::Sigv4(sigv4) = &mut wire.authentication {
                attack.argument.clone_into(&mut sigv4.service);
            }
        }
        // It calls an operation that changes something a reading one.
        "call-it-reading" => {
            for operation in &mut wire.operations {
                if operation.name == attack.argument {
                    operation.access = Access::Read;
                }
            }
        }
        // It wants to send an operation during lists as well.
        "use-it-in-lists" => {
            for operation in &mut wire.operations {
                if operation.name == attack.argument {
                    operation.functions.push("sync.list-resources".to_owned());
                    operation
                        .bound
                        .retain(|bound| bound.member == "/UserPoolId");
                }
            }
        }
        // It is another one every time: nobody can have approved this.
        "another-answer-every-time" => {
            let random = std::collections::hash_map::RandomState::new();
            let drawn = std::hash::BuildHasher::hash_one(&random, 0);
            described.help_url = Some(format!("https://help.example/{drawn:x}"));
        }
        _ => {}
    }
}
