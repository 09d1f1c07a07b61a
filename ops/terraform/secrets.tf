# The CRM's credentials in AWS Secrets Manager, and the right to read them. The values are not here: ops/scripts/rotate-secrets.sh puts them in,
# so that no secret ever stands in a plan, a state file or a repository.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "name" {
  description = "What the secrets' names begin with; also that of the policies."
  type        = string
  default     = "leadpipeline"
}

variable "crms" {
  description = "The CRMs that have a secret: salesforce, hubspot."
  type        = set(string)
  default     = ["salesforce", "hubspot"]

  validation {
    condition     = length(setsubtract(var.crms, ["salesforce", "hubspot"])) == 0
    error_message = "Use salesforce and hubspot."
  }
}

variable "kms_key_arn" {
  description = "The key that encrypts the secrets; null: the account's own for Secrets Manager."
  type        = string
  default     = null
}

resource "aws_secretsmanager_secret" "crm" {
  for_each = var.crms

  name                    = "${var.name}/${each.key}"
  description             = "Credentials of LeadPipeline for ${each.key}"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = 30
}

data "aws_iam_policy_document" "read" {
  statement {
    sid       = "ReadSecrets"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [for secret in aws_secretsmanager_secret.crm : secret.arn]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]
    content {
      sid       = "Decrypt"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

data "aws_iam_policy_document" "rotate" {
  statement {
    sid       = "RotateSecrets"
    actions   = ["secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"]
    resources = [for secret in aws_secretsmanager_secret.crm : secret.arn]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]
    content {
      sid       = "Encrypt"
      actions   = ["kms:GenerateDataKey", "kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_policy" "read" {
  name        = "${var.name}-read-secrets"
  description = "For the role that the workers run under"
  policy      = data.aws_iam_policy_document.read.json
}

resource "aws_iam_policy" "rotate" {
  name        = "${var.name}-rotate-secrets"
  description = "For whoever runs rotate-secrets.sh: may write secrets, and not read them"
  policy      = data.aws_iam_policy_document.rotate.json
}

output "secret_names" {
  description = "For AWS_SECRET_NAME_SALESFORCE and AWS_SECRET_NAME_HUBSPOT."
  value       = { for crm, secret in aws_secretsmanager_secret.crm : crm => secret.name }
}

output "read_policy_arn" {
  description = "To be attached to the workers' role."
  value       = aws_iam_policy.read.arn
}
