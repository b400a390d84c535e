// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package operation

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// customKeyStores are the operations that are refused as a whole: they have no shapes here.
const customKeyStores = "CustomKeyStore"

func TestTheTableHasEveryOperationOfTheSDKWithItsShapes(t *testing.T) {
	client := reflect.TypeFor[*kms.Client]()
	for method := range client.Methods() {
		if method.Type.NumIn() != 4 || method.Name == "Options" {
			continue
		}
		t.Run(method.Name, func(t *testing.T) {
			op, ok := Lookup(method.Name)
			if !ok {
				t.Fatal("the operation is missing")
			}
			if strings.Contains(method.Name, customKeyStores) {
				return
			}
			compareShapes(t, "input", op.input.typ, method.Type.In(2).Elem())
			compareShapes(t, "output", op.output, method.Type.Out(0).Elem())
		})
	}
}

// compareShapes says where a type and the SDK's differ in the members that go over the wire.
func compareShapes(t *testing.T, path string, got, want reflect.Type) {
	t.Helper()
	members := map[string]reflect.Type{}
	for field := range got.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		members[name] = field.Type
	}
	for field := range want.Fields() {
		if !field.IsExported() || field.Name == "ResultMetadata" {
			continue
		}
		name := field.Name
		member, ok := members[name]
		if !ok {
			t.Errorf("%s: %s is missing", path, name)
			continue
		}
		delete(members, name)
		compareTypes(t, path+"."+name, member, field.Type)
	}
	for name := range members {
		t.Errorf("%s: the SDK has no %s", path, name)
	}
}

func compareTypes(t *testing.T, path string, got, want reflect.Type) {
	t.Helper()
	for got.Kind() == reflect.Pointer {
		got = got.Elem()
	}
	for want.Kind() == reflect.Pointer {
		want = want.Elem()
	}
	switch {
	case want == reflect.TypeFor[time.Time]():
		if got != reflect.TypeFor[Time]() {
			t.Errorf("%s is %s and not a time", path, got)
		}
	case got.Kind() != want.Kind():
		t.Errorf("%s is of kind %s, the SDK's of kind %s", path, got.Kind(), want.Kind())
	case got.Kind() == reflect.Struct:
		compareShapes(t, path, got, want)
	case got.Kind() == reflect.Slice && got.Elem().Kind() != reflect.Uint8:
		compareTypes(t, path+"[]", got.Elem(), want.Elem())
	}
}
