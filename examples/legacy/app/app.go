// Package app is an ordinary web application: accounts, logins, a list of
// devices, and device data that it announces with plain Redis PUBLISH. It knows
// nothing of any gateway. It answers in the shape of RuoYi-Vue, where a refused
// token is HTTP 200 with a body code of 401.
//
// The main type is [App]. All of its methods may be called concurrently; [App.Run]
// once only.
//
//	a := app.New(app.Options{Redis: redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379"})})
//	go a.Run(ctx) // the simulated devices
//	http.ListenAndServe("127.0.0.1:8080", a)
package app

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
)

// Options says where the application publishes and how fast its clock runs. The
// zero value works: a random signing key, no Redis, the default logger.
type Options struct {
	// Redis receives the device data. Nil: nothing is published, the rest works.
	// The application doesn't close it.
	Redis *redis.Client

	// Log receives what the application reports. Default: slog.Default().
	Log *slog.Logger

	// Tick is the time between two rounds of the simulated devices; a device
	// reports every n-th round, n being its own setting. Default: 1s.
	Tick time.Duration

	// Now is the clock that logins expire by. Default: time.Now.
	Now func() time.Time
}

// App is the application: an http.Handler and the simulated devices behind it.
type App struct {
	log      *slog.Logger
	redis    *redis.Client
	tick     time.Duration
	now      func() time.Time
	key      []byte
	sessions *sessions
	devices  *devices
	saved    chan reading
	mux      *http.ServeMux
}

// New makes an application with its demo accounts and devices. Logins live in
// memory, so a new App knows none of the tokens of an older one.
func New(o Options) *App {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Tick <= 0 {
		o.Tick = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	key := make([]byte, 64)
	rand.Read(key) // never fails, by its contract
	a := &App{
		log:      o.Log,
		redis:    o.Redis,
		tick:     o.Tick,
		now:      o.Now,
		key:      key,
		sessions: newSessions(o.Now),
		devices:  newDevices(),
		saved:    make(chan reading, maxAnnounced),
		mux:      http.NewServeMux(),
	}
	a.mux.HandleFunc("POST /login", a.login)
	a.mux.HandleFunc("POST /logout", a.logout)
	a.mux.HandleFunc("GET /getInfo", a.authenticated(a.getInfo))
	a.mux.HandleFunc("GET /device/list", a.authenticated(a.deviceList))
	a.mux.HandleFunc("GET /device/{id}", a.authenticated(a.deviceGet))
	a.mux.HandleFunc("PUT /device/{id}", a.authenticated(a.devicePut))
	a.mux.Handle("GET /", page())
	return a
}

// ServeHTTP answers the page's files and the API.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mux.ServeHTTP(w, r)
}
