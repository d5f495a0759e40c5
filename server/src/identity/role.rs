//! What each role may do. Deny by default: what is not in the table is not allowed.

use serde::{Deserialize, Serialize};

/// What a member of staff is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Administrator,
    /// Runs the floor: callbacks and agents.
    Supervisor,
    /// Looks and reports.
    Manager,
    /// Connects apps: keys and push credentials.
    Developer,
    /// Takes calls: the own desk only.
    Agent,
}

/// What can be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// See callbacks, agents and pushes.
    View,
    /// Cancel callbacks, match inbound calls, act for any agent.
    RunFloor,
    /// Act as the agent the key belongs to.
    OwnDesk,
    /// Create queues, skills, agents, services and groups.
    ManageResources,
    /// Enter push credentials and make app keys.
    ConnectApps,
    /// Make staff keys.
    ManageStaff,
}

impl Role {
    /// Whether this role may do that.
    pub fn allows(self, permission: Permission) -> bool {
        use Permission::{ConnectApps, OwnDesk, RunFloor, View};
        match self {
            Self::Administrator => true,
            Self::Supervisor => matches!(permission, View | RunFloor | OwnDesk),
            Self::Manager => permission == View,
            Self::Developer => matches!(permission, View | ConnectApps),
            Self::Agent => permission == OwnDesk,
        }
    }

    /// The role as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Supervisor => "supervisor",
            Self::Manager => "manager",
            Self::Developer => "developer",
            Self::Agent => "agent",
        }
    }

    /// The role that is stored under this word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Administrator, Self::Supervisor, Self::Manager, Self::Developer, Self::Agent]
            .into_iter()
            .find(|role| role.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_has_a_desk_and_nothing_else() {
        use Permission::{ConnectApps, ManageResources, ManageStaff, OwnDesk, RunFloor, View};
        assert!(Role::Agent.allows(OwnDesk));
        for permission in [View, RunFloor, ManageResources, ConnectApps, ManageStaff] {
            assert!(!Role::Agent.allows(permission));
            assert!(Role::Administrator.allows(permission));
        }
        assert!(!Role::Manager.allows(RunFloor));
        assert!(!Role::Developer.allows(ManageStaff));
    }
}
