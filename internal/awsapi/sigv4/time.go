// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package sigv4

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const (
	// basicFormat is ISO 8601's basic format in UTC, the only one that X-Amz-Date has.
	basicFormat = "20060102T150405Z"
	// maxSkew is how far a client's clock may be from ours: KMS's and STS's five minutes, where some services have fifteen.
	maxSkew = 5 * time.Minute
	// maxExpires is the longest life of a presigned request, in seconds: seven days, as long as a signing key is of use.
	maxExpires = 604800
)

// parseBasic reads the time of X-Amz-Date to the second, of which text is then the one spelling: time.Parse also takes
// fractions, which are longer.
func parseBasic(text string) (time.Time, error) {
	t, err := time.Parse(basicFormat, text)
	if err != nil || len(text) != len(basicFormat) {
		return time.Time{}, incomplete("Date must be in ISO-8601 'basic format'. Got %s. "+
			"See http://en.wikipedia.org/wiki/ISO_8601", quote(text))
	}
	return t, nil
}

// headerTime is the time of a request with an Authorization header, and how it is signed; that is empty if there is none.
// X-Amz-Date takes precedence; a Date header, which proxies and old clients set, counts where there is no other, signed or
// not: the time is part of what is signed either way.
func headerTime(header http.Header) (t time.Time, stamp string, err error) {
	text, ok, err := single(header, "X-Amz-Date")
	if err != nil {
		return t, "", err
	}
	if ok {
		t, err = parseBasic(text)
		return t, text, err
	}
	text, ok, err = single(header, "Date")
	if err != nil || !ok {
		return t, "", err
	}
	for _, format := range []string{http.TimeFormat, time.RFC1123Z} {
		if t, err := time.Parse(format, text); err == nil {
			return t.UTC(), t.UTC().Format(basicFormat), nil
		}
	}
	t, err = parseBasic(text)
	return t, text, err
}

// parseExpires reads X-Amz-Expires; absent is zero.
func parseExpires(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	seconds, err := strconv.ParseUint(text, 10, 32)
	switch {
	case err != nil:
		return 0, incomplete("X-Amz-Expires should be a number of seconds, got %s.", quote(text))
	case seconds < 1 || seconds > maxExpires:
		return 0, incomplete("X-Amz-Expires must be between 1 and %d seconds, got %d.", maxExpires, seconds)
	}
	return time.Duration(seconds) * time.Second, nil
}

// checkTime compares whole seconds, which is all that a signature has.
func (s *Signature) checkTime(now time.Time) error {
	now = now.UTC().Truncate(time.Second)
	life := maxSkew
	if s.Expires > 0 {
		life = s.Expires
	}
	if oldest := now.Add(-life); s.Time.Before(oldest) {
		return &Error{Code: CodeExpired, Message: fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %s)",
			s.Time.Format(basicFormat), oldest.Format(basicFormat), now.Format(basicFormat), inWords(life))}
	}
	if newest := now.Add(maxSkew); s.Time.After(newest) {
		return &Error{Code: CodeNotYetCurrent, Message: fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %s)",
			s.Time.Format(basicFormat), newest.Format(basicFormat), now.Format(basicFormat), inWords(maxSkew))}
	}
	return nil
}

func inWords(d time.Duration) string {
	if d%time.Minute == 0 {
		return strconv.Itoa(int(d/time.Minute)) + " min."
	}
	return strconv.Itoa(int(d/time.Second)) + " sec."
}
