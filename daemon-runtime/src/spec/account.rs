//! Users and groups, by name or by number.

use super::setting::{IntoSetting, Setting};

/// A user or a group, by name or by number: the keys `user`, `group` and `groups`; passwd(5), group(5).
///
/// A text that is a number names the account of that name if there is one, else the number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// By name.
    Name(String),
    /// By number.
    Number(u32),
}

impl Account {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("an account has a name or a number".to_owned()),
            _ if text.contains([':', '\0']) => Err("a name of an account has no `:` and no NUL".to_owned()),
            _ => Ok(Self::Name(text.to_owned())),
        }
    }
}

impl std::fmt::Display for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

impl IntoSetting<Self> for Account {
    fn into_setting(self) -> Setting<Self> {
        Setting::Value(self)
    }
}

macro_rules! account_from {
    ($($text:ty),+; $($number:ty),+) => {
        $(impl IntoSetting<Account> for $text {
            fn into_setting(self) -> Setting<Account> {
                match Account::read(self.as_ref()) {
                    Ok(account) => Setting::Value(account),
                    Err(reason) => Setting::Refused { value: format!("{self:?}"), reason },
                }
            }
        })+
        $(impl IntoSetting<Account> for $number {
            fn into_setting(self) -> Setting<Account> {
                // The last number is how the system calls say "none".
                match u32::try_from(self).ok().filter(|number| *number != u32::MAX) {
                    Some(number) => Setting::Value(Account::Number(number)),
                    None => Setting::Refused { value: self.to_string(), reason: "an account's number is 0 to 2^32 - 2".to_owned() },
                }
            }
        })+
    };
}

account_from!(&str, String, &String; u32, i32);

/// A list is given as an array, a slice or a `Vec` of what one of it is given as.
fn list<T, V: IntoSetting<T>>(values: impl IntoIterator<Item = V>) -> Setting<Vec<T>> {
    let mut list = Vec::new();
    for value in values {
        match value.into_setting() {
            Setting::Unset => {}
            Setting::Value(value) => list.push(value),
            Setting::Refused { value, reason } => return Setting::Refused { value, reason },
        }
    }
    Setting::Value(list)
}

impl<T, V: IntoSetting<T>, const N: usize> IntoSetting<Vec<T>> for [V; N] {
    fn into_setting(self) -> Setting<Vec<T>> {
        list(self)
    }
}

impl<T, V: IntoSetting<T>> IntoSetting<Vec<T>> for Vec<V> {
    fn into_setting(self) -> Setting<Vec<T>> {
        list(self)
    }
}

impl<T, V: IntoSetting<T> + Clone> IntoSetting<Vec<T>> for &[V] {
    fn into_setting(self) -> Setting<Vec<T>> {
        list(self.iter().cloned())
    }
}

impl<T, V: IntoSetting<T> + Clone, const N: usize> IntoSetting<Vec<T>> for &[V; N] {
    fn into_setting(self) -> Setting<Vec<T>> {
        list(self.iter().cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_taken_by_name_and_by_number_one_by_one_and_as_a_list() {
        let set: Setting<Account> = "www-data".into_setting();
        assert_eq!(set, Setting::Value(Account::Name("www-data".into())));
        let set: Setting<Account> = 33_u32.into_setting();
        assert_eq!(set, Setting::Value(Account::Number(33)));
        let list: Setting<Vec<Account>> = ["a", "b"].into_setting();
        assert!(matches!(list, Setting::Value(list) if list.len() == 2));
    }

    #[test]
    fn what_is_no_account_is_refused() {
        let refused = |set: Setting<Account>| matches!(set, Setting::Refused { .. });
        assert!(refused("".into_setting()) && refused("a:b".into_setting()) && refused((-1).into_setting()));
        assert!(refused(u32::MAX.into_setting()));
    }
}
