package gate

import (
	"cmp"
	"net/http"
	"net/netip"

	"github.com/wsgate/wsgate/core/session"
)

// ruoyiAnswer is RuoYi's answer to everything: HTTP 200, and what happened as a code.
type ruoyiAnswer struct {
	Code int    `json:"code"`
	Msg  string `json:"msg"`
}

var ruoyiDone = ruoyiAnswer{http.StatusOK, "操作成功"}

// ruoyiRows is RuoYi's table of online users.
type ruoyiRows struct {
	ruoyiAnswer
	Total int        `json:"total"`
	Rows  []ruoyiRow `json:"rows"`
}

type ruoyiRow struct {
	TokenID       string `json:"tokenId"`
	DeptName      string `json:"deptName"`
	UserName      string `json:"userName"`
	IPAddr        string `json:"ipaddr"`
	LoginLocation string `json:"loginLocation"`
	Browser       string `json:"browser"`
	OS            string `json:"os"`
	LoginTime     int64  `json:"loginTime"` // ms since 1970
}

func ruoyiTable(total int, infos []session.Info) ruoyiRows {
	t := ruoyiRows{ruoyiAnswer{http.StatusOK, "查询成功"}, total, make([]ruoyiRow, len(infos))}
	for i := range infos {
		in := &infos[i]
		since := in.Since
		if !in.LoginTime.IsZero() {
			since = in.LoginTime
		}
		t.Rows[i] = ruoyiRow{
			TokenID: in.SID, DeptName: in.Dept, UserName: cmp.Or(in.Name, in.Account), IPAddr: in.IP, LoginLocation: locationOf(in.IP),
			Browser: browserOf(in.UserAgent), OS: osOf(in.UserAgent), LoginTime: since.UnixMilli(),
		}
	}
	return t
}

// locationOf says of an address inside what RuoYi says; where others are is not known.
func locationOf(ip string) string {
	if a, err := netip.ParseAddr(ip); err == nil && (a.IsPrivate() || a.IsLoopback()) {
		return "内网IP"
	}
	return ""
}
