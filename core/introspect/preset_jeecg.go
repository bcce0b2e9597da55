package introspect

import (
	"time"

	"github.com/wsgate/wsgate/core/token"
)

// jeecgPrefixes are the application's context path, the one that its front end's
// proxy gives it, and none.
var jeecgPrefixes = []string{"", "/jeecg-boot", "/jeecgboot"}

// jeecg is JeecgBoot. The `exp` of its JWT is no expiry: the backend renews a token
// that is in use behind its back, and the client keeps the spelling that it has, so
// there is no refresh either. A token is refused with 401 and the reason as a text,
// whether it expired or a login elsewhere ended it.
func jeecg() Preset {
	return Preset{
		Config: Config{
			Method:       "GET",
			Send:         []Param{{In: inHeader, Name: "X-Access-Token", Value: tokenPlaceholder}, jsonParam},
			ActiveWhen:   "status == 200 && body.success == true",
			InactiveWhen: "status == 401 || status == 200 && body.code == 401",
			Subject:      "body.result.userInfo.id",
			Aliases:      "body.result.userInfo.username",
			// Without it the claims would be several hundred dictionaries.
			Claims: "body.result.userInfo",
			// Without a request a token lasts between half of this and all of it.
			Sliding: slides(7 * 24 * time.Hour),
		},
		Tokens: []token.Source{
			{Kind: token.Header, Name: "X-Access-Token"},
			{Kind: token.Query, Name: "token"},
			{Kind: token.Subprotocol, Bare: true},
		},
		Reject: &Rejection{
			Status: 401, ContentType: "application/json;charset=UTF-8",
			Body: `{"success":false,"message":"Token失效，请重新登录!","code":401,"result":null}`,
		},
		Pass: under(jeecgPrefixes,
			Route{"POST", "/sys/login"}, Route{"POST", "/sys/mLogin"}, Route{"POST", "/sys/phoneLogin"},
			Route{"POST", "/sys/sms"}, Route{"POST", "/sys/checkCaptcha"}, Route{"POST", "/sys/user/register"},
			Route{"GET", "/sys/getEncryptedString"}, Route{"GET", "/sys/getLoginQrcode"}, Route{"GET", "/sys/getQrcodeToken"}),
		Logout:    under(jeecgPrefixes, Route{"*", "/sys/logout"}),
		Allow:     "status == 200 && body.success == true",
		Heartbeat: Heartbeat{"ping", "ping"},
	}
}
