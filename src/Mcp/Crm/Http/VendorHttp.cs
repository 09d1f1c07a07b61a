using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Mcp.Guards;

namespace LeadPipeline.Mcp.Crm.Http;

/// <summary>
/// One HTTP exchange with a vendor: credentials in, an answer out, and an honest word on whether the request can have been taken when no
/// answer came. It sends a request again in one case only: refused as unauthorised, which means that nothing was done.
/// </summary>
public sealed class VendorHttp(string provider, HttpClient http, IVendorCredentials credentials, TimeProvider time)
{
    /// <summary>Longest answer that is read, in bytes.</summary>
    private const int MaxAnswer = 16 * 1024 * 1024;

    /// <summary>The handler under every vendor's client: connections live for some minutes, so that a changed address is noticed.</summary>
    public static SocketsHttpHandler NewHandler() => new()
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.All,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        UseCookies = false,
    };

    /// <summary>Sends a request.</summary>
    /// <param name="operation">Its name on the meters, one of a few.</param>
    /// <param name="make">Makes the request; called a second time after a 401.</param>
    /// <param name="timeout">Time for one exchange.</param>
    /// <param name="cancellationToken">Gives up; the reply then is <see cref="VendorReply.Lost"/>, since the request may be under way.</param>
    public async Task<VendorReply> SendAsync(
        string operation, Func<VendorAccess, HttpRequestMessage> make, TimeSpan timeout, CancellationToken cancellationToken)
    {
        for (var refreshed = false; ; refreshed = true)
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

            var reply = await ExchangeAsync(make(access), access, timeout, cancellationToken);
            CrmMeters.Called(provider, operation, reply);
            if (reply is not VendorReply.Answer { Status: 401 })
                return reply;
            credentials.Refused(access);
            if (refreshed)
                return new VendorReply.NotTaken(NotNowKind.Unauthorized, CrmFault.Unauthorized, "the CRM refuses the credentials, new ones too");
        }
    }

    private async Task<VendorReply> ExchangeAsync(HttpRequestMessage request, VendorAccess access, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var sent = request;
        request.Headers.Authorization ??= new AuthenticationHeaderValue("Bearer", access.Bearer);
        // The source follows the given clock, so that tests need not wait; a linked source would follow the system's.
        using var limit = new CancellationTokenSource(timeout, time);
        await using var link = cancellationToken.Register(static s => ((CancellationTokenSource)s!).Cancel(), limit);
        try
        {
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            var (body, text) = await ReadAsync(response, limit.Token);
            return new VendorReply.Answer((int)response.StatusCode, body, response.Headers) { Text = text };
        }
        catch (OperationCanceledException)
        {
            return new VendorReply.Lost(CrmFault.Timeout, "the CRM did not answer in time");
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.NameResolutionError)
        {
            return new VendorReply.NotTaken(NotNowKind.Transient, CrmFault.DnsFailure, "the CRM's host name has no address");
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError)
        {
            var refused = exception.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionRefused };
            return new VendorReply.NotTaken(NotNowKind.Transient, refused ? CrmFault.ConnectionRefused : CrmFault.Unknown, "no connection to the CRM could be made");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return new VendorReply.Lost(CrmFault.Unknown, "the connection to the CRM was lost before its answer was whole");
        }
    }

    private static async Task<(JsonNode? Json, string? Text)> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var buffer = new MemoryStream();
        var chunk = new byte[8192];
        int read;
        while ((read = await stream.ReadAsync(chunk, cancellationToken)) > 0)
        {
            buffer.Write(chunk, 0, read);
            if (buffer.Length > MaxAnswer)
                throw new IOException("The CRM's answer is too long.");
        }
        if (buffer.Length == 0)
            return (null, null);
        var bytes = buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
        try
        {
            return (JsonNode.Parse(bytes.Span), null);
        }
        catch (JsonException)
        {
            return (null, Encoding.UTF8.GetString(bytes.Span));
        }
    }
}
