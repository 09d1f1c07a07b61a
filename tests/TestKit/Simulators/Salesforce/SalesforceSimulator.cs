using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml.Linq;

namespace LeadPipeline.TestKit.Simulators.Salesforce;

/// <summary>
/// A strict Salesforce org on this machine: token endpoint, REST and the one SOAP call, with the vendor's limits, refusals and wire format.
/// What it does not know it refuses. Operations: <c>token</c>, <c>read</c>, <c>write</c>, <c>describe</c>, <c>versions</c>, <c>convert</c>.
/// </summary>
public sealed class SalesforceSimulator : VendorSimulator
{
    /// <summary>What the app is known by.</summary>
    public const string ClientId = "3MVG9.simulated", ClientSecret = "simulated-secret", Username = "integration@example.com", Password = "simulated-password";

    private readonly SalesforceOrg org;
    private readonly SalesforceRest rest;
    private readonly HashSet<string> tokens = [];
    private readonly string api, person;
    private readonly TimeProvider time;
    private int used;

    private SalesforceSimulator(TimeProvider time)
    {
        this.time = time;
        org = new SalesforceOrg(time);
        rest = new SalesforceRest(org, ["v66.0", "v67.0"]);
        org.Actor = api = org.Insert("User", [new("Name", "Integration"), new("Email", Username), new("Username", Username), new("IsActive", true)]).Id;
        org.Actor = person = org.Insert("User", [new("Name", "Sam Rivera"), new("Email", "sam@example.com"), new("Username", "sam@example.com"), new("IsActive", true)]).Id;
        _ = org.Insert("LeadStatus", [new("MasterLabel", "Open - Not Contacted"), new("IsConverted", false), new("SortOrder", 1)]);
        _ = org.Insert("LeadStatus", [new("MasterLabel", "Closed - Converted"), new("IsConverted", true), new("SortOrder", 2)]);
    }

    /// <summary>Starts one.</summary>
    /// <param name="time">The clock of the org; default the system's.</param>
    public static async Task<SalesforceSimulator> StartAsync(TimeProvider? time = null)
    {
        var simulator = new SalesforceSimulator(time ?? TimeProvider.System);
        await simulator.ListenAsync();
        return simulator;
    }

    /// <summary>Calls that the org allows in a day. Default 15,000.</summary>
    public int DailyLimit { get; set; } = 15_000;

    /// <summary>A user of the org who is not us.</summary>
    public string Person => person;

    /// <summary>The public key that the app's certificate holds; null: the JWT flow is refused.</summary>
    public RSA? Certificate { get; set; }

    /// <summary>The audience that an assertion must name; null: our own address.</summary>
    public string? Audience { get; set; }

    /// <summary>Whether the org still takes user and password.</summary>
    public bool PasswordFlow { get; set; }

    /// <summary>The host that the login names as the org's; null: our own.</summary>
    public string? InstanceUrl { get; set; }

    /// <summary>Whether an assignment rule hands leads over that are written without the header against it.</summary>
    public bool AssignmentRule
    {
        set => org.AssignTo = value ? person : null;
    }

    /// <summary>Whether the org's duplicate rule refuses a second lead of one address.</summary>
    public bool DuplicateRule
    {
        set => org.DuplicateRule = value;
    }

    /// <summary>The org's objects and fields; tests take some away.</summary>
    public Dictionary<string, Dictionary<string, OrgField>> Schema => org.Schema;

    /// <summary>A record that a person made; no rule is asked.</summary>
    public string Add(string type, params (string Field, JsonNode? Value)[] values)
    {
        org.Actor = person;
        return org.Insert(type, values.Select(v => KeyValuePair.Create(v.Field, v.Value))).Id;
    }

    /// <summary>A person changes a field.</summary>
    public void Edit(string id, string field, JsonNode? value)
    {
        org.Actor = person;
        var row = org.Find(id)!;
        row.Values[field] = value;
        org.Touch(row);
    }

    /// <summary>A person deletes a record.</summary>
    public void Delete(string id) => org.Delete(org.Find(id)!);

    /// <summary>The live records of a kind, oldest first.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, JsonNode?>> Live(string type) => [.. org.Live(type).Select(r => r.Values)];

    /// <summary>The only live record of a kind.</summary>
    public IReadOnlyDictionary<string, JsonNode?> Only(string type) => Live(type).Single();

    /// <summary>Whether a record is in the recycle bin.</summary>
    public bool IsDeleted(string id) => org.Find(id)!.Deleted;

    /// <inheritdoc/>
    protected override string OperationOf(SimulatedRequest request)
    {
        var path = request.Path;
        if (path == "/services/oauth2/token")
            return "token";
        if (path.StartsWith("/services/Soap/", StringComparison.Ordinal))
            return "convert";
        if (path.EndsWith("/describe", StringComparison.Ordinal))
            return "describe";
        if (path is "/services/data" or "/services/data/")
            return "versions";
        if (path.EndsWith("/composite", StringComparison.Ordinal))
            return (request.Json()?["compositeRequest"] as JsonArray)?.Any(p => p?["method"]?.GetValue<string>() != "GET") == true ? "write" : "read";
        return request.Method == "GET" ? "read" : "write";
    }

    /// <inheritdoc/>
    protected override SimulatedAnswer Answer(string operation, SimulatedRequest request, SimulatorFault.FailPart? part)
    {
        org.Actor = api;
        if (operation == "token")
            return Token(request);
        if (operation == "versions")
            return Plain(200, new JsonArray(Version("66.0"), Version("67.0")));
        if (operation == "convert")
            return Soap(request, part);
        if (!request.Headers.TryGetValue("Authorization", out var authorization) || !authorization.StartsWith("Bearer ", StringComparison.Ordinal) || !tokens.Contains(authorization["Bearer ".Length..]))
            return Plain(401, Error("INVALID_SESSION_ID", "Session expired or invalid"));
        if (used >= DailyLimit)
            return Limited(Plain(403, Error("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")));
        used++;
        if (request.Body.Length > 0 && (request.Json() is null || !request.Headers.GetValueOrDefault("Content-Type", "").StartsWith("application/json", StringComparison.OrdinalIgnoreCase)))
            return Limited(Plain(400, Error("JSON_PARSER_ERROR", "Unexpected character")));
        rest.Made.Clear();
        var answer = rest.Answer(request.Method, request.RawTarget, request.Json(), request.Headers, part);
        foreach (var key in rest.Made)
            Made(key);
        return Limited(Plain(answer.Status, answer.Body));
    }

    /// <inheritdoc/>
    protected override SimulatedAnswer Refusal(string operation, SimulatorFault.Refuse fault) => (fault.Status, fault.Code) switch
    {
        // SOAP tells everything by a fault; its HTTP status is 500 always.
        (_, "concurrent" or "daily") when operation == "convert" => Fault("sf:REQUEST_LIMIT_EXCEEDED"),
        (401, _) when operation == "convert" => Fault("sf:INVALID_SESSION_ID"),
        (_, "concurrent") => Plain(403, Error("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")),
        (_, "daily") => Plain(403, Error("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")),
        (_, "page") => new SimulatedAnswer(fault.Status, "<html><body>Down for maintenance</body></html>", "text/html"),
        (503, _) => Plain(503, Error("SERVER_UNAVAILABLE", "The server is unavailable; try again later.")),
        (500, _) => Plain(500, Error("UNKNOWN_EXCEPTION", "An unexpected error occurred.")),
        _ => Plain(fault.Status, Error(fault.Code ?? "ERROR", "ordered by the test")),
    };

    /// <inheritdoc/>
    protected override void RotateTokens() => tokens.Clear();

    private static JsonObject Version(string number) => new() { ["label"] = "Release " + number, ["url"] = $"/services/data/v{number}", ["version"] = number };

    private static JsonArray Error(string code, string message) => [new JsonObject { ["message"] = message, ["errorCode"] = code }];

    private static SimulatedAnswer Plain(int status, JsonNode? body) => SimulatedAnswer.Json(status, body);

    private SimulatedAnswer Limited(SimulatedAnswer answer) =>
        answer with { Headers = new Dictionary<string, string> { ["Sforce-Limit-Info"] = string.Create(CultureInfo.InvariantCulture, $"api-usage={used}/{DailyLimit}") } };

    private SimulatedAnswer Token(SimulatedRequest request)
    {
        if (request.Method != "POST" || !request.Headers.GetValueOrDefault("Content-Type", "").StartsWith("application/x-www-form-urlencoded", StringComparison.Ordinal))
            return OAuth("unsupported_grant_type", "grant type not supported");
        var form = request.Body.Split('&').Select(p => p.Split('=', 2)).ToDictionary(p => p[0], p => Uri.UnescapeDataString((p.Length > 1 ? p[1] : "").Replace('+', ' ')));
        var grant = form.GetValueOrDefault("grant_type");
        var client = form.GetValueOrDefault("client_id") == ClientId && form.GetValueOrDefault("client_secret") == ClientSecret;
        switch (grant)
        {
            case "client_credentials":
                return client ? Issue() : OAuth("invalid_client", "invalid client credentials");
            case "password":
                if (!PasswordFlow)
                    return OAuth("unsupported_grant_type", "grant type not supported");
                return !client ? OAuth("invalid_client_id", "client identifier invalid")
                    : form.GetValueOrDefault("username") == Username && form.GetValueOrDefault("password") == Password ? Issue() : OAuth("invalid_grant", "authentication failure");
            case "urn:ietf:params:oauth:grant-type:jwt-bearer":
                return Certificate is { } key && Asserted(form.GetValueOrDefault("assertion", ""), key) ? Issue() : OAuth("invalid_grant", "invalid assertion");
            default:
                return OAuth("unsupported_grant_type", "grant type not supported");
        }
    }

    private bool Asserted(string assertion, RSA key)
    {
        if (assertion.Split('.') is not [var head, var claims, var signature]
            || !key.VerifyData(Encoding.ASCII.GetBytes($"{head}.{claims}"), Base64Url.DecodeFromChars(signature), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))
        {
            return false;
        }
        var stated = JsonDocument.Parse(Base64Url.DecodeFromChars(claims)).RootElement;
        var expires = DateTimeOffset.FromUnixTimeSeconds(stated.GetProperty("exp").GetInt64());
        return JsonDocument.Parse(Base64Url.DecodeFromChars(head)).RootElement.GetProperty("alg").GetString() == "RS256"
            && stated.GetProperty("iss").GetString() == ClientId && stated.GetProperty("sub").GetString() == Username
            && stated.GetProperty("aud").GetString() == (Audience ?? Address.GetLeftPart(UriPartial.Authority))
            && expires > time.GetUtcNow() && expires <= time.GetUtcNow().AddMinutes(5);
    }

    private SimulatedAnswer Issue()
    {
        var token = "00DSim000000001!" + Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
        _ = tokens.Add(token);
        return Plain(200, new JsonObject
        {
            ["access_token"] = token,
            ["instance_url"] = InstanceUrl ?? Address.GetLeftPart(UriPartial.Authority),
            ["id"] = $"https://login.salesforce.com/id/00DSim000000001AAA/{api}",
            ["token_type"] = "Bearer",
            ["issued_at"] = time.GetUtcNow().ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture),
            ["signature"] = "c2lnbmF0dXJl",
        });
    }

    private static SimulatedAnswer OAuth(string error, string description) => Plain(400, new JsonObject { ["error"] = error, ["error_description"] = description });

    private SimulatedAnswer Soap(SimulatedRequest request, SimulatorFault.FailPart? part)
    {
        XNamespace partner = "urn:partner.soap.sforce.com";
        if (request.Path != "/services/Soap/u/67.0" || !request.Headers.ContainsKey("SOAPAction"))
            return Fault("sf:UNSUPPORTED_API_VERSION");
        var document = XDocument.Parse(request.Body);
        if (!tokens.Contains(document.Descendants(partner + "sessionId").SingleOrDefault()?.Value ?? ""))
            return Fault("sf:INVALID_SESSION_ID");
        var order = document.Descendants(partner + "leadConverts").Single();
        // The schema is a sequence: another order is not valid.
        string[] sequence = ["accountId", "contactId", "convertedStatus", "doNotCreateOpportunity", "leadId", "opportunityName", "overwriteLeadSource", "ownerId", "sendNotificationEmail"];
        var names = order.Elements().Select(e => e.Name.LocalName).ToList();
        if (names.Except(sequence).Any() || !names.SequenceEqual(sequence.Where(names.Contains)))
            return Fault("soapenv:Client");
        used++;
        string? Value(string name) => order.Element(partner + name)?.Value;
        try
        {
            if (part is not null)
                throw new VendorRefusalException(part.Status, part.Code, "as ordered");
            var (contact, account) = org.Convert(Value("leadId")!, Value("accountId")!, Value("ownerId"), Value("convertedStatus")!);
            return Envelope(200, $"<convertLeadResponse><result><accountId>{account}</accountId><contactId>{contact}</contactId><leadId>{Value("leadId")}</leadId><opportunityId xsi:nil=\"true\"/><success>true</success></result></convertLeadResponse>");
        }
        catch (VendorRefusalException refusal)
        {
            return Envelope(200, $"<convertLeadResponse><result><accountId xsi:nil=\"true\"/><contactId xsi:nil=\"true\"/><errors><message>{new XText(refusal.Message)}</message><statusCode>{refusal.Code}</statusCode></errors><leadId xsi:nil=\"true\"/><opportunityId xsi:nil=\"true\"/><success>false</success></result></convertLeadResponse>");
        }
    }

    private static SimulatedAnswer Fault(string code) =>
        Envelope(500, $"<soapenv:Fault><faultcode>{code}</faultcode><faultstring>{code}: refused</faultstring></soapenv:Fault>");

    private static SimulatedAnswer Envelope(int status, string body) => new(status,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns=\"urn:partner.soap.sforce.com\" xmlns:sf=\"urn:fault.partner.soap.sforce.com\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>"
        + body + "</soapenv:Body></soapenv:Envelope>", "text/xml;charset=UTF-8");
}
