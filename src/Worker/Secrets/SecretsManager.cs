using System.Text.Json;
using System.Text.Json.Nodes;
using Amazon.Runtime;
using Amazon.Runtime.Credentials;
using LeadPipeline.Mcp.Crm;
using LeadPipeline.Mcp.Crm.Http;
using Microsoft.Extensions.Options;

namespace LeadPipeline.Worker.Secrets;

/// <summary>The versions of a secret that rotation knows.</summary>
public static class SecretStages
{
    /// <summary>In force.</summary>
    public const string Current = "AWSCURRENT";

    /// <summary>Made, and not in force yet.</summary>
    public const string Pending = "AWSPENDING";

    /// <summary>In force before.</summary>
    public const string Previous = "AWSPREVIOUS";

    /// <summary>All, in the order in which they are tried.</summary>
    public static IReadOnlyList<string> All { get; } = [Current, Pending, Previous];
}

/// <summary>Asks AWS Secrets Manager for one version of a secret.</summary>
public interface ISecretsManager
{
    /// <summary>The version that carries a stage; null: none does.</summary>
    /// <exception cref="CrmUnavailableException">It cannot be read now; the message says why, and nothing of the secret.</exception>
    Task<CrmSecret?> FindAsync(string name, string stage, CancellationToken cancellationToken);
}

/// <summary>Secrets Manager over plain HTTP, signed.</summary>
public sealed class SecretsManager(IOptions<AwsOptions> options, HttpClient http, TimeProvider time) : ISecretsManager
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <inheritdoc/>
    public async Task<CrmSecret?> FindAsync(string name, string stage, CancellationToken cancellationToken)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["SecretId"] = name, ["VersionStage"] = stage });
        var headers = new Dictionary<string, string> { ["content-type"] = "application/x-amz-json-1.1", ["x-amz-target"] = "secretsmanager.GetSecretValue" };
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(options.Value.Address(), "/")) { Content = new ByteArrayContent(body) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", headers["content-type"]);
        request.Headers.TryAddWithoutValidation("x-amz-target", headers["x-amz-target"]);
        AwsSignature.Sign(request, body, headers, await CredentialsAsync(cancellationToken), options.Value.Region!, "secretsmanager", time.GetUtcNow());
        switch (await HttpExchange.SendAsync(http, request, "Secrets Manager", Patience, time, cancellationToken))
        {
            case VendorReply.Answer { Status: 200, Body: JsonObject answer }:
                return Read(answer);
            case VendorReply.Answer { Body: JsonObject refusal } answer:
                var code = Text(refusal, "__type")?.Split('#')[^1];
                if (code == "ResourceNotFoundException" && stage != SecretStages.Current)
                    return null;
                throw new CrmUnavailableException(NotNowKind.Transient, $"Secrets Manager answered {answer.Status} {(code is { Length: < 60 } && code.All(char.IsAsciiLetter) ? code : "")}; {Remedy(code)}");
            case VendorReply.Answer answer:
                throw new CrmUnavailableException(NotNowKind.Transient, $"Secrets Manager answered {answer.Status}");
            case VendorReply.NotTaken none:
                throw new CrmUnavailableException(NotNowKind.Transient, none.Message, fault: none.Fault);
            case VendorReply.Lost lost:
                throw new CrmUnavailableException(NotNowKind.Transient, lost.Message, fault: lost.Fault);
            default:
                throw new InvalidOperationException("An exchange is answered, not taken or lost.");
        }
    }

    private static async Task<ImmutableCredentials> CredentialsAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await DefaultAWSCredentialsIdentityResolver.GetCredentials().GetCredentialsAsync().WaitAsync(cancellationToken);
        }
        catch (AmazonClientException exception)
        {
            throw new CrmUnavailableException(NotNowKind.Transient, "there are no AWS credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run under a role", inner: exception);
        }
    }

    private static string Remedy(string? code) => code switch
    {
        "ResourceNotFoundException" => "there is no secret of this name in the region; check AWS_SECRET_NAME_SALESFORCE, AWS_SECRET_NAME_HUBSPOT and AWS_REGION",
        "AccessDeniedException" => "allow secretsmanager:GetSecretValue on the secret, and kms:Decrypt on its key",
        "InvalidSignatureException" or "UnrecognizedClientException" or "ExpiredTokenException" => "check the AWS credentials and the clock",
        _ => "try again",
    };

    /// <summary>JSON with a member for each part, or one part alone, which is a token.</summary>
    private static CrmSecret Read(JsonObject answer)
    {
        var version = Text(answer, "VersionId") ?? "";
        var text = Text(answer, "SecretString") ?? throw new CrmUnavailableException(NotNowKind.Transient, "the secret is binary; write it as JSON");
        return new CrmSecret(version, SecretParts.Parse(text));
    }

    private static string? Text(JsonObject body, string name) => body[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
