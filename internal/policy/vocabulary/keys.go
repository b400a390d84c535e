// Copyright The Chatelaine Authors.
// SPDX-License-Identifier: Apache-2.0

package vocabulary

import "strings"

// keys are the condition keys that have a name of their own: those of AWS KMS, the global ones, and those that other services
// put into the sessions that they give out, which every service sees.
var keys = map[string]Type{
	"kms:BypassPolicyLockoutSafetyCheck":         Bool,
	"kms:CallerAccount":                          String,
	"kms:CustomerMasterKeySpec":                  String,
	"kms:CustomerMasterKeyUsage":                 String,
	"kms:DataKeyPairSpec":                        String,
	"kms:EncapsulationAlgorithm":                 String,
	"kms:EncryptionAlgorithm":                    String,
	"kms:EncryptionContextKeys":                  List,
	"kms:ExpirationModel":                        String,
	"kms:GrantConstraintSourceArn":               ARN,
	"kms:GrantConstraintType":                    String,
	"kms:GrantIsForAWSResource":                  Bool,
	"kms:GrantOperations":                        List,
	"kms:GranteePrincipal":                       String,
	"kms:GranteeServicePrincipal":                String,
	"kms:KeyAgreementAlgorithm":                  String,
	"kms:KeyOrigin":                              String,
	"kms:KeySpec":                                String,
	"kms:KeyUsage":                               String,
	"kms:MacAlgorithm":                           String,
	"kms:MessageType":                            String,
	"kms:MultiRegion":                            Bool,
	"kms:MultiRegionKeyType":                     String,
	"kms:PrimaryRegion":                          String,
	"kms:ReEncryptOnSameKey":                     Bool,
	"kms:RecipientAttestation:ImageSha384":       String,
	"kms:ReplicaRegion":                          String,
	"kms:RequestAlias":                           String,
	"kms:ResourceAliases":                        List,
	"kms:RetiringPrincipal":                      String,
	"kms:RetiringServicePrincipal":               String,
	"kms:RotationPeriodInDays":                   Number,
	"kms:ScheduleKeyDeletionPendingWindowInDays": Number,
	"kms:SigningAlgorithm":                       String,
	"kms:TrailingDaysWithoutKeyUsage":            Number,
	"kms:ValidTo":                                Date,
	"kms:ViaService":                             String,
	"kms:WrappingAlgorithm":                      String,
	"kms:WrappingKeySpec":                        String,

	"aws:AssumedRoot":                  Bool,
	"aws:CalledVia":                    List,
	"aws:CalledViaAWSMCP":              String,
	"aws:CalledViaFirst":               String,
	"aws:CalledViaLast":                String,
	"aws:ChatbotSourceArn":             ARN,
	"aws:CurrentTime":                  Date,
	"aws:Ec2InstanceSourcePrivateIPv4": IP,
	"aws:Ec2InstanceSourceVpc":         String,
	"aws:EpochTime":                    Date,
	"aws:FederatedProvider":            String,
	"aws:MultiFactorAuthAge":           Number,
	"aws:MultiFactorAuthPresent":       Bool,
	"aws:PrincipalAccount":             String,
	"aws:PrincipalArn":                 ARN,
	"aws:PrincipalIsAWSService":        Bool,
	"aws:PrincipalOrgID":               String,
	"aws:PrincipalOrgPaths":            List,
	"aws:PrincipalServiceName":         String,
	"aws:PrincipalServiceNamesList":    List,
	"aws:PrincipalType":                String,
	"aws:Referer":                      String,
	"aws:RequestedRegion":              String,
	"aws:ResourceAccount":              String,
	"aws:ResourceOrgID":                String,
	"aws:ResourceOrgPaths":             List,
	"aws:SecureTransport":              Bool,
	"aws:SignInSessionArn":             ARN,
	"aws:SourceAccount":                String,
	"aws:SourceArn":                    ARN,
	"aws:SourceIdentity":               String,
	"aws:SourceIp":                     IP,
	"aws:SourceOrgID":                  String,
	"aws:SourceOrgPaths":               List,
	"aws:SourceVpc":                    String,
	"aws:SourceVpcArn":                 ARN,
	"aws:SourceVpce":                   String,
	"aws:TagKeys":                      List,
	"aws:TokenIssueTime":               Date,
	"aws:UserAgent":                    String,
	"aws:userid":                       String,
	"aws:username":                     String,
	"aws:ViaAWSMCPService":             Bool,
	"aws:ViaAWSService":                Bool,
	"aws:VpceAccount":                  String,
	"aws:VpceOrgID":                    String,
	"aws:VpceOrgPaths":                 List,
	"aws:VpcSourceIp":                  IP,

	"codebuild:BuildArn":            ARN,
	"codebuild:ProjectArn":          ARN,
	"ec2:RoleDelivery":              Number,
	"ec2:SourceInstanceArn":         ARN,
	"glue:CredentialIssuingService": String,
	"glue:RoleAssumedBy":            String,
	"identitystore:UserId":          String,
	"lambda:SourceFunctionArn":      ARN,
	"ssm:SourceInstanceArn":         ARN,
}

// namedKeys are the condition keys that end in a name which somebody chose: a tag's, an encryption context's, or that of a
// register of a Nitro enclave.
var namedKeys = []string{
	"kms:EncryptionContext:", "kms:RecipientAttestation:PCR", "kms:RecipientAttestation:NitroTPMPCR",
	"aws:PrincipalTag/", "aws:RequestTag/", "aws:ResourceTag/",
}

var byLowerKey = func() map[string]Type {
	lowered := make(map[string]Type, len(keys))
	for key, t := range keys {
		lowered[strings.ToLower(key)] = t
	}
	return lowered
}()
