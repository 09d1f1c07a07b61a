using System.Buffers.Text;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Crm.Http;

namespace LeadPipeline.Mcp.Crm.Salesforce;

/// <summary>
/// Logs in by the flow that the settings ask for: JWT bearer with a private key, client credentials, or, when it is allowed in so many
/// words, username and password. The token is kept until Salesforce refuses it; callers that need one at the same time share one login.
/// </summary>
/// <param name="options">The settings.</param>
/// <param name="http">The way there.</param>
/// <param name="time">The clock.</param>
/// <param name="secrets">Where the secret parts are, when they are not among the settings: <c>clientid</c>, <c>clientsecret</c>, <c>username</c>, <c>password</c>, <c>securitytoken</c>, <c>privatekey</c> (PEM). A part that it lacks is taken from the settings.</param>
public sealed class SalesforceCredentials(SalesforceOptions options, HttpClient http, TimeProvider time, ICrmSecrets? secrets = null) : IVendorCredentials, IDisposable
{
    private static readonly CrmSecret None = new("none", new Dictionary<string, string>());

    private static readonly TimeSpan LoginTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AssertionLifetime = TimeSpan.FromMinutes(3);

    private readonly Lock gate = new();
    private readonly CancellationTokenSource stopped = new();
    private VendorAccess? current;
    private CrmSecret? currentSecret;
    private Task<VendorAccess>? login;

    /// <inheritdoc/>
    public async ValueTask<VendorAccess> GetAsync(CancellationToken cancellationToken)
    {
        var secret = await SecretAsync(cancellationToken);
        Task<VendorAccess> pending;
        lock (gate)
        {
            // A login with a secret that has been exchanged since is worth no more than a day or two; better now than when it ends.
            if (current is { } known && (secret is null || ReferenceEquals(secret, currentSecret)))
                return known;
            if (login is null || login.IsCompleted)
                login = LoginAsync();
            pending = login;
        }
        // A caller may give up; the login goes on for the others.
        return await pending.WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public bool Refused(VendorAccess access)
    {
        lock (gate)
        {
            if (ReferenceEquals(current, access))
                current = null;
        }
        // What was refused is the login's token; of the secret it says nothing.
        return false;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        stopped.Cancel();
        stopped.Dispose();
    }

    private async Task<VendorAccess> LoginAsync()
    {
        await Task.Yield();
        var secret = secrets is null ? None : await secrets.GetAsync(stopped.Token);
        for (var tried = new HashSet<string>(StringComparer.Ordinal); ;)
        {
            _ = tried.Add(secret.Version);
            try
            {
                var fresh = await RequestAsync(secret);
                lock (gate)
                    (current, currentSecret) = (fresh, secret);
                return fresh;
            }
            catch (CrmUnavailableException refused) when (refused.Kind == NotNowKind.Unauthorized && secrets?.Refused(secret) == true)
            {
                // There may be another one: exchanged a moment ago, about to be, or the one before.
                secret = await secrets.GetAsync(stopped.Token);
                if (tried.Contains(secret.Version))
                    throw;
            }
        }
    }

    /// <summary>The secret in force; null when it cannot be had now, and then a login that still holds will do.</summary>
    private async ValueTask<CrmSecret?> SecretAsync(CancellationToken cancellationToken)
    {
        if (secrets is null)
            return None;
        try
        {
            return await secrets.GetAsync(cancellationToken);
        }
        catch (CrmUnavailableException)
        {
            return null;
        }
    }

    private async Task<VendorAccess> RequestAsync(CrmSecret secret)
    {
        using var limit = new CancellationTokenSource(LoginTimeout, time);
        await using var link = stopped.Token.Register(static s => ((CancellationTokenSource)s!).Cancel(), limit);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(options.LoginAddress, "/services/oauth2/token")) { Content = new FormUrlEncodedContent(Form(secret)) };
            using var response = await http.SendAsync(request, limit.Token);
            var body = Parse(await response.Content.ReadAsStringAsync(limit.Token));
            return response.IsSuccessStatusCode ? Read(body) : throw Failure(response.StatusCode, body);
        }
        catch (OperationCanceledException)
        {
            throw new CrmUnavailableException(NotNowKind.Transient, "the login did not answer in time", fault: CrmFault.Timeout);
        }
        catch (HttpRequestException exception)
        {
            var fault = exception.HttpRequestError == HttpRequestError.NameResolutionError ? CrmFault.DnsFailure
                : exception.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused } ? CrmFault.ConnectionRefused
                : CrmFault.Unknown;
            throw new CrmUnavailableException(NotNowKind.Transient, fault == CrmFault.DnsFailure ? "the login's host name has no address" : "the login's host cannot be reached", inner: exception, fault: fault);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new CrmUnavailableException(NotNowKind.Unauthorized, "the private key file cannot be used; give an RSA key in PEM, readable by this user", inner: exception, fault: CrmFault.Unauthorized);
        }
    }

    private Dictionary<string, string> Form(CrmSecret secret)
    {
        var key = secret["privatekey"] ?? (string.IsNullOrWhiteSpace(options.PrivateKeyFile) ? null : File.ReadAllText(options.PrivateKeyFile));
        if (key is not null)
            return new() { ["grant_type"] = "urn:ietf:params:oauth:grant-type:jwt-bearer", ["assertion"] = Assertion(secret, key) };
        var form = new Dictionary<string, string> { ["grant_type"] = "client_credentials", ["client_id"] = ClientId(secret), ["client_secret"] = secret["clientsecret"] ?? options.ClientSecret ?? "" };
        if (options.AllowPasswordFlow)
        {
            form["grant_type"] = "password";
            form["username"] = Username(secret);
            form["password"] = (secret["password"] ?? options.Password) + (secret["securitytoken"] ?? options.SecurityToken);
        }
        return form;
    }

    private string ClientId(CrmSecret secret) => secret["clientid"] ?? options.ClientId ?? "";

    private string Username(CrmSecret secret) => secret["username"] ?? options.Username ?? "";

    /// <summary>Who we are, signed with the private key. Read anew each time, so that a key can be replaced under a running worker.</summary>
    private string Assertion(CrmSecret secret, string pem)
    {
        using var key = RSA.Create();
        key.ImportFromPem(pem);
        var audience = new Uri(string.IsNullOrWhiteSpace(options.LoginUrl) ? options.BaseUrl! : options.LoginUrl).GetLeftPart(UriPartial.Authority);
        var claims = new JsonObject
        {
            ["iss"] = ClientId(secret),
            ["sub"] = Username(secret),
            ["aud"] = audience,
            ["exp"] = (time.GetUtcNow() + AssertionLifetime).ToUnixTimeSeconds(),
        };
        var signed = $"{Base64Url.EncodeToString("""{"alg":"RS256"}"""u8)}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims.ToJsonString()))}";
        var signature = key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{signed}.{Base64Url.EncodeToString(signature)}";
    }

    private VendorAccess Read(JsonObject? body)
    {
        var token = Text(body, "access_token");
        var instance = string.IsNullOrWhiteSpace(options.BaseUrl) ? Text(body, "instance_url") : options.BaseUrl;
        if (string.IsNullOrEmpty(token) || instance is null || !SalesforceOptions.IsAddress(instance))
            throw new CrmUnavailableException(NotNowKind.Transient, "the login answered without a token or without the address of the org");
        // The identity address ends with the user's id.
        return new VendorAccess(new Uri(instance), token, SalesforceIds.Normalise(Text(body, "id")?.Split('/')[^1], CrmObject.User));
    }

    private static CrmUnavailableException Failure(HttpStatusCode status, JsonObject? body)
    {
        // The description may repeat what we sent; the code says enough.
        var code = Text(body, "error");
        return (int)status switch
        {
            429 => new(NotNowKind.RateLimited, "the login is refused for a while: too many logins", TimeSpan.FromMinutes(1), fault: CrmFault.RateLimited),
            400 or 401 or 403 when code is not null => new(NotNowKind.Unauthorized, $"the login is refused: {code}; {Remedy(code)}", fault: CrmFault.Unauthorized),
            >= 500 => new(NotNowKind.Transient, string.Create(CultureInfo.InvariantCulture, $"the login answered {(int)status}"), fault: CrmFault.ServerError),
            _ => new(NotNowKind.Unauthorized, string.Create(CultureInfo.InvariantCulture, $"the login answered {(int)status}; check Salesforce:LoginUrl"), fault: CrmFault.Unauthorized),
        };
    }

    private static string Remedy(string code) => code switch
    {
        "invalid_client_id" or "invalid_client" => "check Salesforce:ClientId and Salesforce:ClientSecret",
        "invalid_grant" => "check the user, its approval for the app, the key's certificate, and that Salesforce:LoginUrl is the org's My Domain address",
        "unsupported_grant_type" or "invalid_request" => "check that the app allows this flow, and that Salesforce:LoginUrl is the org's My Domain address",
        "inactive_user" or "inactive_org" => "the user or org is not active",
        "rate_limit_exceeded" => "wait, then try again",
        _ => "check the app's settings in Salesforce",
    };

    private static JsonObject? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonObject? body, string name) => body?[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
