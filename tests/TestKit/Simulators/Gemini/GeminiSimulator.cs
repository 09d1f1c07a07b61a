using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LeadPipeline.TestKit.Simulators.Gemini;

/// <summary>
/// Google's model on a free port, by both of its doors: the Developer API with a key, Vertex AI with a token that the simulated Google gives out
/// for a service account's signature. It refuses what they refuse, and holds its own answers to the published shapes. Operations:
/// <c>generate</c>, <c>count</c>, <c>token</c>.
/// </summary>
public sealed partial class GeminiSimulator : VendorSimulator
{
    /// <summary>The key of the Developer API that is good.</summary>
    public const string ApiKey = "AIzaSySimulated-0123456789abcdefghijkl";

    /// <summary>The one model that there is.</summary>
    public const string Model = "gemini-3.5-flash";

    /// <summary>The one project that may use it.</summary>
    public const string Project = "leadpipeline-test";

    /// <summary>The descriptions of what the two doors take and say, by the names of <see cref="ApiShapes.Embedded"/>.</summary>
    public const string Developer = "generativelanguage-v1beta.shapes", Vertex = "aiplatform-v1.shapes";

    private const string Account = "worker@leadpipeline-test.iam.gserviceaccount.com";

    private readonly RSA key = RSA.Create(2048);
    private readonly ApiShapes developer = ApiShapes.Embedded(Developer), vertex = ApiShapes.Embedded(Vertex);
    private readonly HashSet<string> tokens = [];
    private readonly System.Collections.Concurrent.ConcurrentQueue<GeminiAsked> asked = [];
    private int given;

    private GeminiSimulator()
    {
    }

    /// <summary>What the model answers; an honest one, unless somebody says otherwise.</summary>
    public Func<GeminiAsked, GeminiSays> Reply { get; set; } = HonestModel.Answer;

    /// <summary>What it was asked, in order.</summary>
    public IReadOnlyList<GeminiAsked> Asked => [.. asked];

    /// <summary>Starts one.</summary>
    public static async Task<GeminiSimulator> StartAsync()
    {
        var simulator = new GeminiSimulator();
        await simulator.ListenAsync();
        return simulator;
    }

    /// <summary>A service account's file that the simulated Google knows.</summary>
    /// <param name="isKnown">False: one that it does not.</param>
    public string CredentialsFile(bool isKnown = true)
    {
        using var stranger = RSA.Create(2048);
        return new JsonObject
        {
            ["type"] = "service_account",
            ["project_id"] = Project,
            ["private_key_id"] = "1",
            ["private_key"] = (isKnown ? key : stranger).ExportPkcs8PrivateKeyPem(),
            ["client_email"] = Account,
            ["client_id"] = "1",
            ["token_uri"] = new Uri(Address, "/token").ToString(),
        }.ToJsonString();
    }

    /// <inheritdoc/>
    protected override string OperationOf(SimulatedRequest request) => request switch
    {
        { Path: "/token" } => "token",
        _ when request.Path.EndsWith(":generateContent", StringComparison.Ordinal) => "generate",
        _ when request.Path.EndsWith(":countTokens", StringComparison.Ordinal) => "count",
        _ => "unknown",
    };

    /// <inheritdoc/>
    protected override SimulatedAnswer Answer(string operation, SimulatedRequest request, SimulatorFault.FailPart? part)
    {
        if (operation == "token")
            return Token(request);
        if (request.Method != "POST")
            return Error(404, "NOT_FOUND");
        var (isVertex, match) = (false, DeveloperPath().Match(request.Path));
        if (!match.Success)
            (isVertex, match) = (true, VertexPath().Match(request.Path));
        if (!match.Success)
            return Error(404, "NOT_FOUND");
        if ((isVertex ? Unknown(request, match) : Unkeyed(request)) is { } refusal)
            return refusal;
        if (match.Groups["model"].Value != Model)
            return Error(404, "NOT_FOUND");
        return Method(operation, request, isVertex ? vertex : developer);
    }

    /// <inheritdoc/>
    protected override SimulatedAnswer Refusal(string operation, SimulatorFault.Refuse fault) => (fault.Status, fault.Code) switch
    {
        (429, ['h', ':', .. var seconds]) => Error(429, "RESOURCE_EXHAUSTED") with { Headers = new Dictionary<string, string> { ["Retry-After"] = seconds } },
        (429, { } delay) => Error(429, "RESOURCE_EXHAUSTED", new JsonObject { ["@type"] = "type.googleapis.com/google.rpc.RetryInfo", ["retryDelay"] = delay }),
        (429, _) => Error(429, "RESOURCE_EXHAUSTED"),
        (503, _) => Error(503, "UNAVAILABLE"),
        (500, _) => Error(500, "INTERNAL"),
        (502, _) => new SimulatedAnswer(502, "<html><h1>Bad Gateway</h1></html>", "text/html"),
        var (status, code) => Error(status, code ?? "UNKNOWN"),
    };

    /// <inheritdoc/>
    protected override void RotateTokens() => tokens.Clear();

    private SimulatedAnswer Method(string operation, SimulatedRequest request, ApiShapes shapes)
    {
        if (!request.Headers.GetValueOrDefault("Content-Type", "").StartsWith("application/json", StringComparison.Ordinal) || request.Json() is not JsonObject body)
            return Error(400, "INVALID_ARGUMENT");
        var faults = shapes.Faults(body, operation == "count" ? "CountTokensRequest" : "GenerateContentRequest");
        if (operation == "count")
            return faults.Count > 0 ? Error(400, "INVALID_ARGUMENT", Violations(faults)) : SimulatedAnswer.Json(200, new JsonObject { ["totalTokens"] = 1 });

        faults = [.. faults, .. SchemaRules.Faults(body)];
        if (faults.Count > 0)
            return Error(400, "INVALID_ARGUMENT", Violations(faults));
        GeminiAsked question;
        try
        {
            question = GeminiAsked.Read(body);
        }
        catch (FormatException exception)
        {
            return Error(400, "INVALID_ARGUMENT", Violations([exception.Message]));
        }
        asked.Enqueue(question);
        var says = Reply(question);
        if (says.IsOfTheApi && shapes.Faults(says.Body, "GenerateContentResponse") is { Count: > 0 } wrong)
            throw new InvalidOperationException("The simulator says what the vendor would not: " + string.Join("; ", wrong));
        return SimulatedAnswer.Json(200, says.Body);
    }

    private static SimulatedAnswer? Unkeyed(SimulatedRequest request)
    {
        // A key in the address would be taken by the vendor; it would also end in logs, so that here it is refused.
        if (request.Query.Count > 0 || request.Headers.ContainsKey("Authorization"))
            return Error(400, "INVALID_ARGUMENT");
        return request.Headers.GetValueOrDefault("x-goog-api-key") switch
        {
            null => Error(403, "PERMISSION_DENIED"),
            ApiKey => null,
            _ => Error(400, "INVALID_ARGUMENT", new JsonObject { ["@type"] = "type.googleapis.com/google.rpc.ErrorInfo", ["reason"] = "API_KEY_INVALID", ["domain"] = "googleapis.com" }),
        };
    }

    private SimulatedAnswer? Unknown(SimulatedRequest request, Match path)
    {
        if (request.Headers.GetValueOrDefault("Authorization") is not ['B', 'e', 'a', 'r', 'e', 'r', ' ', .. var token] || !tokens.Contains(token))
            return Error(401, "UNAUTHENTICATED", new JsonObject { ["@type"] = "type.googleapis.com/google.rpc.ErrorInfo", ["reason"] = "ACCESS_TOKEN_EXPIRED" });
        if (path.Groups["project"].Value != Project)
            return Error(403, "PERMISSION_DENIED", new JsonObject { ["@type"] = "type.googleapis.com/google.rpc.ErrorInfo", ["reason"] = "IAM_PERMISSION_DENIED" });
        return path.Groups["location"].Value is "global" or "europe-west4" ? null : Error(404, "NOT_FOUND");
    }

    private SimulatedAnswer Token(SimulatedRequest request)
    {
        var form = request.Body.Split('&').Select(p => p.Split('=', 2)).Where(p => p.Length == 2).ToDictionary(p => p[0], p => Uri.UnescapeDataString(p[1]));
        if (form.GetValueOrDefault("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || form.GetValueOrDefault("assertion")?.Split('.') is not [var head, var claims, var signature])
            return SimulatedAnswer.Json(400, new JsonObject { ["error"] = "unsupported_grant_type" });
        var stated = JsonNode.Parse(FromBase64Url(claims))!;
        var isSigned = key.VerifyData(Encoding.ASCII.GetBytes($"{head}.{claims}"), FromBase64Url(signature), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        if (!isSigned || stated["iss"]?.GetValue<string>() != Account || stated["aud"]?.GetValue<string>() != "https://oauth2.googleapis.com/token")
            return SimulatedAnswer.Json(400, new JsonObject { ["error"] = "invalid_grant", ["error_description"] = "Invalid JWT Signature." });
        if (stated["scope"]?.GetValue<string>() != "https://www.googleapis.com/auth/cloud-platform")
            return SimulatedAnswer.Json(400, new JsonObject { ["error"] = "invalid_scope" });
        var token = $"ya29.simulated-{++given}";
        tokens.Add(token);
        return SimulatedAnswer.Json(200, new JsonObject { ["access_token"] = token, ["expires_in"] = 3599, ["token_type"] = "Bearer" });
    }

    private static byte[] FromBase64Url(string text) => Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/').PadRight((text.Length + 3) / 4 * 4, '='));

    private static JsonObject Violations(IReadOnlyList<string> faults) => new()
    {
        ["@type"] = "type.googleapis.com/google.rpc.BadRequest",
        ["fieldViolations"] = new JsonArray([.. faults.Select(f => (JsonNode)new JsonObject { ["description"] = f })]),
    };

    private static SimulatedAnswer Error(int status, string code, JsonObject? detail = null) => SimulatedAnswer.Json(status, new JsonObject
    {
        ["error"] = new JsonObject { ["code"] = status, ["message"] = $"simulated {code}", ["status"] = code, ["details"] = new JsonArray([.. detail is null ? Array.Empty<JsonNode>() : [detail]]) },
    });

    [GeneratedRegex("^/v1beta/models/(?<model>[^/:]+):[a-zA-Z]+$")]
    private static partial Regex DeveloperPath();

    [GeneratedRegex("^/v1/projects/(?<project>[^/]+)/locations/(?<location>[^/]+)/publishers/google/models/(?<model>[^/:]+):[a-zA-Z]+$")]
    private static partial Regex VertexPath();
}
