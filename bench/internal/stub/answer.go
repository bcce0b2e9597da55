//go:build linux

package stub

import (
	"strconv"

	"github.com/wsgate/wsgate/bench/internal/httpwire"
)

// Paths that the stub answers.
const (
	InfoPath = "/getInfo" // RuoYi's: always status 200
	AuthPath = "/auth"    // by status, for auth_request and forward_auth
	PagePath = "/api/rows"
	GripPath = "/grip" // WebSocket-over-HTTP
)

func (s *Server) answer(dst []byte, r *httpwire.Request) []byte {
	switch string(r.Path()) {
	case InfoPath:
		s.Introspections++
		if i, ok := Index(bearer(r)); ok {
			s.scratch = appendInfo(s.scratch[:0], i)
		} else {
			s.scratch = append(s.scratch[:0], `{"msg":"请求访问：/getInfo，认证失败，无法访问系统资源","code":401}`...)
		}
		return httpwire.AppendResponse(dst, "200 OK", "application/json", "", s.scratch)
	case AuthPath:
		s.Introspections++
		if i, ok := Index(bearer(r)); ok {
			s.scratch = append(s.scratch[:0], "X-User: "...)
			s.scratch = append(strconv.AppendInt(s.scratch, int64(i), 10), "\r\n"...)
			return httpwire.AppendResponse(dst, "200 OK", "text/plain", string(s.scratch), nil)
		}
		return httpwire.AppendResponse(dst, "401 Unauthorized", "text/plain", "", nil)
	case PagePath:
		s.Pages++
		return httpwire.AppendResponse(dst, "200 OK", "application/json", "", page)
	case GripPath:
		return s.grip(dst, r)
	}
	s.Strays++
	return httpwire.AppendResponse(dst, "404 Not Found", "text/plain", "", nil)
}

// bearer is the token of the Authorization header, else of the query, where
// only the reference servers put it last.
func bearer(r *httpwire.Request) []byte {
	const scheme = "Bearer "
	if v := r.Header("Authorization"); len(v) > len(scheme) {
		return v[len(scheme):]
	}
	return queryToken(r.Query())
}

// page is a small list, as an ordinary page asks for.
var page = []byte(`{"total":3,"rows":[{"id":1,"name":"pump","online":true},` +
	`{"id":2,"name":"valve","online":false},{"id":3,"name":"meter","online":true}],"code":200,"msg":"查询成功"}`)

func appendInfo(dst []byte, i int) []byte {
	id := strconv.Itoa(i + 1)
	dst = append(dst, `{"msg":"操作成功","code":200,"permissions":["device:list","device:edit","device:query"],`+
		`"roles":["common"],"user":{"createBy":"admin","createTime":"2026-01-05 09:30:11","updateBy":null,`+
		`"remark":"operator","userId":`...)
	dst = append(dst, id...)
	dst = append(dst, `,"deptId":105,"userName":"u`...)
	dst = append(dst, id...)
	return append(dst, `","nickName":"Operator","email":"operator@example.com","phonenumber":"15666666666","sex":"1",`+
		`"avatar":"","status":"0","delFlag":"0","loginIp":"127.0.0.1","loginDate":"2026-11-20T08:15:42.000+08:00",`+
		`"dept":{"deptId":105,"parentId":101,"deptName":"Plant 2","leader":"Lin","status":"0","children":[]},`+
		`"roles":[{"roleId":2,"roleName":"common","roleKey":"common","dataScope":"2","status":"0","admin":false}],`+
		`"admin":false}}`...)
}
