using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace LeadPipeline.TestKit.Simulators;

/// <summary>
/// AWS Secrets Manager over HTTP: versions and their stages, and no answer to a request that is not signed as AWS demands (Signature Version 4 over all it says to sign,
/// host, date and body among it, at most five minutes old). The signature is computed here anew, by nobody else's code.
/// <para>Operations: <c>GetSecretValue</c>, <c>PutSecretValue</c>, <c>UpdateSecretVersionStage</c>, <c>DescribeSecret</c>.</para>
/// </summary>
public sealed class SecretsManagerSimulator : VendorSimulator
{
    /// <summary>Who may sign, and the region.</summary>
    public const string AccessKey = "AKIDSIMULATED0000001", SecretKey = "simulated/secret+access/key", Region = "eu-central-1";

    private readonly Dictionary<string, List<StoredVersion>> secrets = [];

    /// <summary>A running simulator.</summary>
    public static async Task<SecretsManagerSimulator> StartAsync()
    {
        var simulator = new SecretsManagerSimulator();
        await simulator.ListenAsync();
        return simulator;
    }

    /// <summary>What a worker, or a script, has to be told to use it: environment variables by name.</summary>
    public Dictionary<string, string> Settings => new()
    {
        ["AWS_ACCESS_KEY_ID"] = AccessKey,
        ["AWS_SECRET_ACCESS_KEY"] = SecretKey,
        ["AWS_REGION"] = Region,
        ["Aws__SecretsManagerUrl"] = Address.ToString().TrimEnd('/'),
    };

    /// <summary>Makes a version; the stages move to it from where they are.</summary>
    public string Put(string name, string value, params string[] stages)
    {
        var version = Guid.NewGuid().ToString();
        if (!secrets.TryGetValue(name, out var versions))
            secrets[name] = versions = [];
        versions.Add(new StoredVersion(version, value));
        foreach (var stage in stages)
            Move(versions, stage, version);
        return version;
    }

    /// <summary>The value that carries a stage; null: none does.</summary>
    public string? Value(string name, string stage) => secrets[name].Find(v => v.Stages.Contains(stage))?.Value;

    /// <inheritdoc/>
    protected override string OperationOf(SimulatedRequest request) => request.Headers.GetValueOrDefault("x-amz-target")?.Split('.')[^1] ?? "unknown";

    /// <inheritdoc/>
    protected override SimulatedAnswer Answer(string operation, SimulatedRequest request, SimulatorFault.FailPart? part)
    {
        if (Unsigned(request) is { } why)
            return Problem(400, "InvalidSignatureException", why);
        if (request.Method != "POST" || request.Headers.GetValueOrDefault("Content-Type") != "application/x-amz-json-1.1" || request.Json() is not JsonObject body)
            return Problem(400, "SerializationException", "A POST of application/x-amz-json-1.1 is expected.");
        if ((string?)body["SecretId"] is not { } name || !secrets.TryGetValue(name, out var versions))
            return Problem(400, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
        return operation switch
        {
            "GetSecretValue" => Get(name, versions, (string?)body["VersionStage"] ?? "AWSCURRENT"),
            "PutSecretValue" => Stored(name, body),
            "UpdateSecretVersionStage" => Update(name, versions, body),
            "DescribeSecret" => SimulatedAnswer.Json(200, new JsonObject
            {
                ["Name"] = name,
                ["VersionIdsToStages"] = new JsonObject(versions.Where(v => v.Stages.Count > 0).Select(v => KeyValuePair.Create(v.Id, (JsonNode?)new JsonArray([.. v.Stages.Select(s => (JsonNode)s)])))),
            }),
            _ => Problem(400, "UnknownOperationException", ""),
        };
    }

    /// <inheritdoc/>
    protected override SimulatedAnswer Refusal(string operation, SimulatorFault.Refuse fault) => Problem(fault.Status, fault.Code ?? "InternalServiceError", "as ordered");

    /// <inheritdoc/>
    protected override void RotateTokens() => throw new NotSupportedException("There are no tokens here.");

    private static SimulatedAnswer Get(string name, List<StoredVersion> versions, string stage) => versions.Find(v => v.Stages.Contains(stage)) is { } version
        ? SimulatedAnswer.Json(200, new JsonObject { ["Name"] = name, ["VersionId"] = version.Id, ["SecretString"] = version.Value, ["VersionStages"] = new JsonArray([.. version.Stages.Select(s => (JsonNode)s)]) })
        : Problem(400, "ResourceNotFoundException", $"Secrets Manager can't find the specified secret value for staging label: {stage}");

    private SimulatedAnswer Stored(string name, JsonObject body)
    {
        if ((string?)body["ClientRequestToken"] is not { Length: >= 32 and <= 64 })
            return Problem(400, "InvalidParameterException", "ClientRequestToken must have 32 to 64 characters.");
        var stages = body["VersionStages"] is JsonArray given ? given.Select(s => (string)s!).ToArray() : ["AWSCURRENT"];
        return SimulatedAnswer.Json(200, new JsonObject { ["Name"] = name, ["VersionId"] = Put(name, (string)body["SecretString"]!, stages) });
    }

    private static SimulatedAnswer Update(string name, List<StoredVersion> versions, JsonObject body)
    {
        var (stage, from, to) = ((string)body["VersionStage"]!, (string?)body["RemoveFromVersionId"], (string?)body["MoveToVersionId"]);
        var holder = versions.Find(v => v.Stages.Contains(stage));
        if (holder is not null && holder.Id != from)
            return Problem(400, "InvalidParameterException", "The staging label is attached to another version than RemoveFromVersionId.");
        if (to is null)
            _ = holder?.Stages.Remove(stage);
        else if (versions.Exists(v => v.Id == to))
            Move(versions, stage, to);
        else
            return Problem(400, "ResourceNotFoundException", "There is no such version.");
        return SimulatedAnswer.Json(200, new JsonObject { ["Name"] = name });
    }

    /// <summary>As AWS does: what was current becomes previous.</summary>
    private static void Move(List<StoredVersion> versions, string stage, string to)
    {
        var holder = versions.Find(v => v.Stages.Contains(stage));
        if (stage == "AWSCURRENT" && holder is not null && holder.Id != to)
        {
            versions.ForEach(v => v.Stages.Remove("AWSPREVIOUS"));
            holder.Stages.Add("AWSPREVIOUS");
        }
        _ = holder?.Stages.Remove(stage);
        versions.Find(v => v.Id == to)!.Stages.Add(stage);
    }

    /// <summary>What is wrong with a request's signature; null: nothing.</summary>
    private static string? Unsigned(SimulatedRequest request)
    {
        const string scheme = "AWS4-HMAC-SHA256 ";
        if (request.Headers.GetValueOrDefault("Authorization") is not { } header || !header.StartsWith(scheme, StringComparison.Ordinal))
            return "Missing Authentication Token";
        var parts = header[scheme.Length..].Split(',', StringSplitOptions.TrimEntries).Select(p => p.Split('=', 2)).ToDictionary(p => p[0], p => p[1]);
        var names = parts["SignedHeaders"].Split(';');
        if (parts["Credential"].Split('/') is not [AccessKey, var day, Region, "secretsmanager", "aws4_request"])
            return "Credential should be scoped to a valid key, region and service.";
        if (!names.Contains("host") || !names.Contains("x-amz-date") || !names.SequenceEqual(names.Order(StringComparer.Ordinal)))
            return "host and x-amz-date must be signed, and SignedHeaders sorted.";
        var stamp = request.Headers.GetValueOrDefault("x-amz-date") ?? "";
        if (!DateTimeOffset.TryParseExact(stamp, "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            || !stamp.StartsWith(day, StringComparison.Ordinal) || (TimeProvider.System.GetUtcNow() - at).Duration() > TimeSpan.FromMinutes(5))
            return "Signature expired.";
        var canonical = $"{request.Method}\n{request.Path}\n\n{string.Concat(names.Select(n => $"{n}:{request.Headers.GetValueOrDefault(n)?.Trim()}\n"))}\n{parts["SignedHeaders"]}\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(request.Body)))}";
        var text = $"AWS4-HMAC-SHA256\n{stamp}\n{day}/{Region}/secretsmanager/aws4_request\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var key = new[] { day, Region, "secretsmanager", "aws4_request" }.Aggregate(Encoding.UTF8.GetBytes("AWS4" + SecretKey), (k, p) => HMACSHA256.HashData(k, Encoding.UTF8.GetBytes(p)));
        return Hex(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text))) == parts["Signature"] ? null : "The request signature we calculated does not match the signature you provided.";
    }

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);

    private static SimulatedAnswer Problem(int status, string type, string message) =>
        new(status, new JsonObject { ["__type"] = type, ["message"] = message }.ToJsonString(), "application/x-amz-json-1.1");

    private sealed record StoredVersion(string Id, string Value)
    {
        public List<string> Stages { get; } = [];
    }
}
