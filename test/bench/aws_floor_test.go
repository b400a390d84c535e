// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"net/http"
	"sync"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/chatelaine-dev/chatelaine/api/v1alpha1"
	"github.com/chatelaine-dev/chatelaine/internal/awstest"
	"github.com/chatelaine-dev/chatelaine/internal/backend"
)

// bareCalls has AWS's SDK alone make as many keys as are applied, each with tags, a policy, an alias and rotation, by as many
// workers as the operator has.
func (o *awsOperator) bareCalls(b *testing.B, namespace string) {
	b.Helper()
	keys := make(chan *v1alpha1.Key, applied)
	for i := range applied {
		keys <- newAWSKey(namespace, i)
	}
	close(keys)
	o.work(b, keys, o.bareKey)
}

// bareAWS does the same, and beside it what bareWrites does: writers create objects, and as soon as one is there a worker makes
// its key and writes the status that it has when it is Ready.
func (o *awsOperator) bareAWS(b *testing.B, namespace string) {
	b.Helper()
	o.namespace(b, namespace)
	created := make(chan *v1alpha1.Key, applied)
	go func() {
		defer close(created)
		o.each(b, applied, func(ctx context.Context, i int) error {
			object := newAWSKey(namespace, i)
			err := o.floor.Create(ctx, object)
			created <- object
			return err
		})
	}()
	o.work(b, created, func(ctx context.Context, sdk *awskms.Client, object *v1alpha1.Key) error {
		if err := o.bareKey(ctx, sdk, object); err != nil {
			return err
		}
		object.Status = o.readyStatus
		return o.floor.Status().Update(ctx, object)
	})
}

// work does something for each of the keys, by as many workers as the operator has.
func (o *awsOperator) work(b *testing.B, keys <-chan *v1alpha1.Key, do func(context.Context, *awskms.Client, *v1alpha1.Key) error) {
	b.Helper()
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = o.workers })
	sdk := awskms.New(awskms.Options{
		BaseEndpoint: &o.url, Region: awstest.Region, HTTPClient: client,
		Credentials: awscredentials.NewStaticCredentialsProvider(awstest.AccessKeyID, awstest.SecretAccessKey, ""),
	})
	var running sync.WaitGroup
	for range o.workers {
		running.Go(func() {
			for key := range keys {
				if err := do(b.Context(), sdk, key); err != nil {
					b.Error(err)
				}
			}
		})
	}
	running.Wait()
}

func (o *awsOperator) bareKey(ctx context.Context, sdk *awskms.Client, key *v1alpha1.Key) error {
	of := backend.Owner{Cluster: "floor", Namespace: key.Namespace, Name: key.Name, UID: key.Name}
	in := &awskms.CreateKeyInput{Description: &key.Spec.Description, Policy: &o.policy}
	for name, value := range of.TagsWith(map[string]string{"team": "payments"}) {
		in.Tags = append(in.Tags, types.Tag{TagKey: &name, TagValue: &value})
	}
	made, err := sdk.CreateKey(ctx, in)
	if err != nil {
		return err
	}
	id := made.KeyMetadata.KeyId
	if _, err := sdk.CreateAlias(ctx, &awskms.CreateAliasInput{AliasName: &key.Spec.Aliases[0], TargetKeyId: id}); err != nil {
		return err
	}
	_, err = sdk.EnableKeyRotation(ctx, &awskms.EnableKeyRotationInput{KeyId: id, RotationPeriodInDays: awssdk.Int32(365)})
	return err
}
