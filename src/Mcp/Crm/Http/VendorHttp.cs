using System.Net;
using System.Net.Http.Headers;
using LeadPipeline.Mcp.Guards;

namespace LeadPipeline.Mcp.Crm.Http;

/// <summary>
/// One HTTP exchange with a vendor: credentials in, an answer out, and an honest word on whether the request can have been taken when no
/// answer came. It sends a request again in one case only: refused as unauthorised, which means that nothing was done.
/// </summary>
public sealed class VendorHttp(string provider, HttpClient http, IVendorCredentials credentials, TimeProvider time, CallLimiter? limiter = null)
{
    /// <summary>The handler under every vendor's client: connections live for some minutes, so that a changed address is noticed.</summary>
    /// <param name="connections">Calls at once; the next ones wait for one to end.</param>
    public static SocketsHttpHandler NewHandler(int connections = int.MaxValue) => new()
    {
        MaxConnectionsPerServer = connections,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.All,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        UseCookies = false,
    };

    private const int MostRefreshes = 3;

    /// <summary>Sends a request.</summary>
    /// <param name="operation">Its name on the meters, one of a few.</param>
    /// <param name="make">Makes the request; called a second time after a 401.</param>
    /// <param name="timeout">Time for one exchange.</param>
    /// <param name="cancellationToken">Gives up; the reply then is <see cref="VendorReply.Lost"/>, since the request may be under way.</param>
    public async Task<VendorReply> SendAsync(
        string operation, Func<VendorAccess, HttpRequestMessage> make, TimeSpan timeout, CancellationToken cancellationToken)
    {
        for (var refreshed = 0; ; refreshed++)
        {
            VendorAccess access;
            try
            {
                access = await credentials.GetAsync(cancellationToken);
            }
            catch (CrmUnavailableException unavailable)
            {
                return new VendorReply.NotTaken(unavailable.Kind, unavailable.Fault, unavailable.Message, unavailable.RetryAfter);
            }
            catch (OperationCanceledException)
            {
                return new VendorReply.NotTaken(NotNowKind.Transient, CrmFault.Timeout, "there was no time left for a login");
            }

            if (limiter is not null && await limiter.EnterAsync(cancellationToken) is { } refused)
                return refused;

            using var request = make(access);
            request.Headers.Authorization ??= new AuthenticationHeaderValue("Bearer", access.Bearer);
            var reply = await HttpExchange.SendAsync(http, request, "the CRM", timeout, time, cancellationToken);
            CrmMeters.Called(provider, operation, reply);
            if (reply is not VendorReply.Answer { Status: 401 })
                return reply;
            // Once with the credentials renewed; then only with those of another secret, of which a secrets manager keeps at most three.
            if ((!credentials.Refused(access) && refreshed > 0) || refreshed == MostRefreshes)
                return new VendorReply.NotTaken(NotNowKind.Unauthorized, CrmFault.Unauthorized, "the CRM refuses the credentials, new ones too");
        }
    }
}
