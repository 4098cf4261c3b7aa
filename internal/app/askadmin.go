package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/lunette-waf/lunette/internal/config"
)

// errNotKnown says that the gateway runs and does not know what it was asked for.
var errNotKnown = errors.New("it does not know")

// askAdmin asks the admin address of the gateway that runs with cfg for the document at path, at most most bytes of it, and reads it into to.
func askAdmin(ctx context.Context, cfg *config.Config, path string, most int64, to any) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+cfg.Admin.Address+path, nil)
	if err != nil {
		return fmt.Errorf("ask the admin address: %w", err)
	}
	token, err := adminToken(cfg)
	if err != nil {
		return err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := c.Do(req)
	if err != nil {
		return fmt.Errorf("ask the admin address %s: %w: does the gateway run?", cfg.Admin.Address, err)
	}
	defer func() { _ = res.Body.Close() }()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return fmt.Errorf("ask the admin address %s: status 404: %w", cfg.Admin.Address, errNotKnown)
	default:
		return fmt.Errorf("ask the admin address %s: status %d", cfg.Admin.Address, res.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, most)).Decode(to); err != nil {
		return fmt.Errorf("read the answer of %s: %w", cfg.Admin.Address, err)
	}
	return nil
}

// adminToken returns what guards the admin address: the token of the configuration, or that of the file it names. "" is none.
func adminToken(cfg *config.Config) (string, error) {
	if cfg.Admin.TokenFile == "" {
		return cfg.Admin.Token, nil
	}
	b, err := os.ReadFile(cfg.Admin.TokenFile)
	if err != nil {
		return "", fmt.Errorf("read admin token: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
