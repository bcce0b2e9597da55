package app

import "crypto/subtle"

// An account of the demo. Passwords are in clear because the login page prints
// them anyway.
type account struct {
	userID   int64
	userName string
	nickName string
	password string
	email    string
	dept     department
	role     role
}

type department struct {
	DeptID   int64  `json:"deptId"`
	DeptName string `json:"deptName"`
	Leader   string `json:"leader"`
}

type role struct {
	RoleID   int64  `json:"roleId"`
	RoleName string `json:"roleName"`
	RoleKey  string `json:"roleKey"`
	Status   string `json:"status"`
}

var (
	headOffice = department{100, "Head office", "Ada Okafor"}
	northSite  = department{101, "North site", "Alice Berg"}
	southSite  = department{102, "South site", "Bob Lindqvist"}
	superuser  = role{1, "Administrator", "admin", "0"}
	operator   = role{2, "Operator", "common", "0"}
)

var accounts = []account{
	{1, "admin", "Ada Okafor", "admin123", "ada@example.com", headOffice, superuser},
	{2, "alice", "Alice Berg", "alice123", "alice@example.com", northSite, operator},
	{3, "bob", "Bob Lindqvist", "bob123", "bob@example.com", southSite, operator},
}

func (u *account) admin() bool { return u.role == superuser }

// mayManage reports whether the account is responsible for the devices of a
// department; administrators are for all.
func (u *account) mayManage(dept int64) bool {
	return u.admin() || u.dept.DeptID == dept
}

// checkPassword gives the account, or nil where name or password is wrong.
func checkPassword(name, password string) *account {
	for i := range accounts {
		u := &accounts[i]
		if u.userName == name && subtle.ConstantTimeCompare([]byte(u.password), []byte(password)) == 1 {
			return u
		}
	}
	return nil
}
