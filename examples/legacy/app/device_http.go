package app

import (
	"net/http"
	"strconv"
)

// deviceList is GET /device/list: what the account may manage.
func (a *App) deviceList(w http.ResponseWriter, _ *http.Request, s session) {
	rows := a.devices.list(s.user.mayManage)
	reply{"code": codeOK, "msg": "查询成功", "total": len(rows), "rows": rows}.send(w)
}

// deviceGet is GET /device/{id}.
func (a *App) deviceGet(w http.ResponseWriter, r *http.Request, s session) {
	if d, ok := a.findDevice(w, r, s); ok {
		succeed().with("data", d).send(w)
	}
}

// devicePut is PUT /device/{id} with the whole of the settings. A saved device
// reports at once, so that everyone who looks at it sees the change.
func (a *App) devicePut(w http.ResponseWriter, r *http.Request, s session) {
	d, ok := a.findDevice(w, r, s)
	if !ok {
		return
	}
	in := d.settings
	if err := readJSON(w, r, &in); err != nil {
		fail(codeError, "请求参数格式错误").send(w)
		return
	}
	if err := in.validate(); err != nil {
		fail(codeError, err.Error()).send(w)
		return
	}
	report, ok := a.devices.save(d.ID, in, s.user.userName, a.now())
	if !ok {
		fail(codeError, "设备不存在").send(w)
		return
	}
	a.announce(report)
	succeed().send(w)
}

// findDevice gives the device that the path names, or answers and gives false.
func (a *App) findDevice(w http.ResponseWriter, r *http.Request, s session) (device, bool) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	d, ok := a.devices.get(id)
	switch {
	case err != nil || !ok:
		fail(codeError, "设备不存在").send(w)
		return device{}, false
	case !s.user.mayManage(d.DeptID):
		fail(codeForbidden, "没有权限，请联系管理员授权").send(w)
		return device{}, false
	}
	return d, true
}
