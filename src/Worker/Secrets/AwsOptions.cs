using System.ComponentModel.DataAnnotations;
using System.Text.RegularExpressions;

namespace LeadPipeline.Worker.Secrets;

/// <summary>AWS Secrets Manager, as the place where CRM credentials are kept. AWS's own credentials come as they always do: environment, profile, role of the machine.</summary>
public sealed partial class AwsOptions : IValidatableObject
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Aws";

    /// <summary>The region that signs and is asked. Default none; required with a secret. The plain variable <c>AWS_REGION</c> sets it.</summary>
    public string? Region { get; set; }

    /// <summary>Address of Secrets Manager. Default <c>https://secretsmanager.REGION.amazonaws.com</c>.</summary>
    public string? SecretsManagerUrl { get; set; }

    /// <summary>Name or ARN of the secret with Salesforce's credentials: JSON with members named like the plain variables. Default none: the settings are used. <c>AWS_SECRET_NAME_SALESFORCE</c> sets it.</summary>
    public string? SalesforceSecret { get; set; }

    /// <summary>Name or ARN of the secret with HubSpot's token: JSON with <c>HUBSPOT_ACCESS_TOKEN</c>, or the token alone. Default none: the settings are used. <c>AWS_SECRET_NAME_HUBSPOT</c> sets it.</summary>
    public string? HubSpotSecret { get; set; }

    /// <summary>The address in force; the region must be set. A method, since the binder looks into every property.</summary>
    public Uri Address() => new(SecretsManagerUrl ?? $"https://secretsmanager.{Region}.amazonaws.com");

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if ((SalesforceSecret is { Length: > 0 } || HubSpotSecret is { Length: > 0 }) && string.IsNullOrWhiteSpace(Region))
            yield return new ValidationResult("name the region of the secret, for example eu-central-1", [nameof(Region)]);
        if (!string.IsNullOrEmpty(Region) && !RegionName().IsMatch(Region))
            yield return new ValidationResult("write a region such as eu-central-1", [nameof(Region)]);
        // The answer holds the secret: in the clear only within this machine.
        if (SecretsManagerUrl is { } url && !(Uri.TryCreate(url, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback))))
            yield return new ValidationResult("write https://HOST (http only for this machine)", [nameof(SecretsManagerUrl)]);
    }

    [GeneratedRegex(@"\A[a-z]{2}(-[a-z]+)+-[0-9]\z")]
    private static partial Regex RegionName();
}

/// <summary>Secrets in files.</summary>
public sealed class SecretsOptions
{
    /// <summary>Configuration section.</summary>
    public const string Section = "Secrets";

    /// <summary>
    /// A folder, as Kubernetes and Docker mount it, with a file for each secret that has the name of its plain variable: <c>HUBSPOT_ACCESS_TOKEN</c>,
    /// <c>SALESFORCE_CLIENT_SECRET</c>, … Looked at again at every use, so that a changed file counts at once. Default none.
    /// </summary>
    public string? Directory { get; set; }
}
