package app

import (
	"fmt"
	"math/rand/v2"
)

// newDevices gives the demo's devices, ids 1001 and up.
func newDevices() *devices {
	seeds := []struct {
		name, location string
		dept           department
		mean, alarm    float64
		enabled        bool
	}{
		{"Cold room 1", "Hall A, bay 2", northSite, 3.6, 6, true},
		{"Cold room 2", "Hall A, bay 3", northSite, 4.1, 6, true},
		{"Deep freezer", "Hall A, bay 7", northSite, -21.5, -18, true},
		{"Loading dock", "Gate 4", northSite, 14.2, 25, true},
		{"Server room", "Building 2, floor 1", headOffice, 22.4, 27, true},
		{"Meeting room Oslo", "Building 2, floor 3", headOffice, 21.3, 26, true},
		{"Archive", "Building 2, basement", headOffice, 18.1, 22, false},
		{"Greenhouse east", "Plot 12", southSite, 26.8, 32, true},
		{"Greenhouse west", "Plot 14", southSite, 31.6, 32, true},
		{"Pump house", "Well 3", southSite, 12.7, 30, true},
		{"Feed silo", "Yard", southSite, 17.9, 35, true},
		{"Weather mast", "Hill", southSite, 9.4, 40, true},
	}
	d := &devices{m: make(map[int64]*simulated, len(seeds))}
	for i, s := range seeds {
		id := int64(1001 + i)
		d.m[id] = &simulated{
			device: device{
				ID:     id,
				IMEI:   fmt.Sprintf("8675300412%05d", 20417+i*733),
				DeptID: s.dept.DeptID,
				Dept:   s.dept.DeptName,
				settings: settings{
					Name:     s.name,
					Location: s.location,
					Interval: 1,
					AlarmAt:  s.alarm,
					Enabled:  s.enabled,
				},
			},
			mean:     s.mean,
			temp:     s.mean,
			humidity: 45 + rand.Float64()*15,
			battery:  60 + rand.Float64()*40,
		}
	}
	return d
}
