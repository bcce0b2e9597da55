package app

import (
	"net"
	"net/http"
	"strings"
)

const (
	bearer         = "Bearer "
	dateTimeFormat = "2006-01-02 15:04:05"
)

// login is POST /login {"username":…,"password":…}.
func (a *App) login(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	if err := readJSON(w, r, &in); err != nil {
		fail(codeError, "请求参数格式错误").send(w)
		return
	}
	u := checkPassword(in.Username, in.Password)
	if u == nil {
		fail(codeError, "用户不存在/密码错误").send(w)
		return
	}
	s := a.sessions.open(u, clientIP(r))
	token, err := signToken(a.key, tokenClaims{Subject: u.userName, LoginUserKey: s.id})
	if err != nil {
		a.log.Error("token not signed", "err", err)
		fail(codeError, "系统错误").send(w)
		return
	}
	succeed().with("token", token).send(w)
}

// logout is POST /logout. It succeeds whatever the token, as there is nothing
// left to end for a bad one.
func (a *App) logout(w http.ResponseWriter, r *http.Request) {
	if s, ok := a.session(r); ok {
		a.sessions.close(s.id)
	}
	reply{"code": codeOK, "msg": "退出成功"}.send(w)
}

// getInfo is GET /getInfo: whose token is this?
func (a *App) getInfo(w http.ResponseWriter, _ *http.Request, s session) {
	u := s.user
	permissions := []string{"device:list", "device:query", "device:edit"}
	if u.admin() {
		permissions = []string{"*:*:*"}
	}
	succeed().
		with("user", map[string]any{
			"userId":      u.userID,
			"userName":    u.userName,
			"nickName":    u.nickName,
			"email":       u.email,
			"phonenumber": "",
			"sex":         "2",
			"avatar":      "",
			"status":      "0",
			"delFlag":     "0",
			"admin":       u.admin(),
			"deptId":      u.dept.DeptID,
			"dept":        u.dept,
			"roles":       []role{u.role},
			"loginIp":     s.ip,
			"loginDate":   s.loginTime.Format(dateTimeFormat),
		}).
		with("roles", []string{u.role.RoleKey}).
		with("permissions", permissions).
		with("isDefaultModifyPwd", false).
		with("isPasswordExpired", false).
		send(w)
}

// authenticated lets a request through to h with the login that it belongs to.
func (a *App) authenticated(h func(http.ResponseWriter, *http.Request, session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, ok := a.session(r)
		if !ok {
			fail(codeUnauthorized, "请求访问："+r.URL.Path+"，认证失败，无法访问系统资源").send(w)
			return
		}
		h(w, r, s)
	}
}

// session finds the login of a request. The scheme is optional, and given twice
// it is removed twice, for that is what backends of this family do.
func (a *App) session(r *http.Request) (session, bool) {
	token := r.Header.Get("Authorization")
	for strings.HasPrefix(token, bearer) {
		token = token[len(bearer):]
	}
	c, err := parseToken(a.key, token)
	if err != nil {
		return session{}, false
	}
	return a.sessions.get(c.LoginUserKey)
}

// clientIP is for display only, so a forged X-Forwarded-For does no harm.
func clientIP(r *http.Request) string {
	if first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-For"), ","); first != "" {
		return strings.TrimSpace(first)
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
