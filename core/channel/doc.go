// Package channel decides what a client may ask for, and which Redis channel that
// is. Its main type is [Rules], compiled from the configuration of one socket path.
//
//	rules, err := channel.Compile(account, configs, "wsgate:", channel.Options{Probe: ask})
//	m, err := rules.Match("data_imei:17", user)
//	if err == nil {
//		err = rules.Authorize(ctx, m, user)
//	}
//
// # Patterns
//
// A pattern is literal text with {name} parts; a name matches [a-z][a-z0-9_]*. A part
// stands for 1 to 128 letters and digits (of any script) or _ . @ -, but not for . or
// .. alone. {account}, only in the account command and only at its end, stands for at
// most 1 KiB of anything. The text between two parts must hold a character that no part
// can hold, so that a command can be read in one way only, in one pass, and without
// trying. The first rule that matches decides.
//
// # Redis channels
//
// A rule without a template relays the channel that is named like the command. A
// template may use the pattern's parts, {user} and {claims.name}; in the latter two,
// bytes outside a part's characters are percent-encoded, so that different accounts
// never meet in one channel. A Redis channel has at most 4 KiB. Whatever the rules
// say, nothing under the key prefix is relayed, and nothing under Redis' own "__"
// unless the rule itself begins so.
//
// # Concurrency
//
// Rules and Match values are immutable and safe for concurrent use. Match does no I/O
// and takes no lock; Authorize may wait for the backend.
package channel
