package app

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// settings is what a user may change of a device.
type settings struct {
	Name     string  `json:"name"`
	Location string  `json:"location"`
	Interval int     `json:"interval"` // rounds between two reports
	AlarmAt  float64 `json:"alarmAt"`  // °C
	Enabled  bool    `json:"enabled"`
	Remark   string  `json:"remark"`
}

// validate reports the first thing wrong, in words for the user.
func (s *settings) validate() error {
	s.Name, s.Location = strings.TrimSpace(s.Name), strings.TrimSpace(s.Location)
	switch {
	case s.Name == "" || utf8.RuneCountInString(s.Name) > 60:
		return errors.New("设备名称长度必须在1到60个字符之间")
	case utf8.RuneCountInString(s.Location) > 60:
		return errors.New("安装位置不能超过60个字符")
	case s.Interval < 1 || s.Interval > 60:
		return errors.New("上报间隔必须在1到60秒之间")
	case s.AlarmAt < -50 || s.AlarmAt > 100:
		return errors.New("报警温度必须在-50到100之间")
	case utf8.RuneCountInString(s.Remark) > 500:
		return errors.New("备注不能超过500个字符")
	}
	return nil
}

// A device as the API shows it.
type device struct {
	ID     int64  `json:"id"`
	IMEI   string `json:"imei"`
	DeptID int64  `json:"deptId"`
	Dept   string `json:"deptName"`
	settings
	UpdateBy   string   `json:"updateBy"`
	UpdateTime string   `json:"updateTime"`
	Last       *reading `json:"last"`
}

// devices holds the devices. Its methods may be called concurrently.
type devices struct {
	mu sync.Mutex
	m  map[int64]*simulated
}

// get gives a copy of a device.
func (d *devices) get(id int64) (device, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, ok := d.m[id]
	if !ok {
		return device{}, false
	}
	return v.device, true
}

// list gives copies of the devices that a department's people may see, by id.
func (d *devices) list(visible func(dept int64) bool) []device {
	out := []device{}
	d.mu.Lock()
	for _, v := range d.m {
		if visible(v.DeptID) {
			out = append(out, v.device)
		}
	}
	d.mu.Unlock()
	slices.SortFunc(out, func(a, b device) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// save changes a device's settings and gives the reading that tells of it.
func (d *devices) save(id int64, s settings, by string, now time.Time) (reading, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, ok := d.m[id]
	if !ok {
		return reading{}, false
	}
	v.settings = s
	v.UpdateBy, v.UpdateTime = by, now.Format(dateTimeFormat)
	r := v.read(now)
	r.Event, r.By = "saved", by
	return r, true
}

// round gives the readings that are due in the n-th round.
func (d *devices) round(n uint64, now time.Time) []reading {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []reading
	for _, v := range d.m {
		if v.Enabled && n%uint64(v.Interval) == 0 {
			out = append(out, v.read(now))
		}
	}
	return out
}
