using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using LeadPipeline.TestKit;
using LeadPipeline.TestKit.Simulators.HubSpot;
using LeadPipeline.Worker.Hosting;
using LeadPipeline.Worker.Tests.Doors;
using Microsoft.AspNetCore.Builder;
using Microsoft.Data.Sqlite;

namespace LeadPipeline.Worker.Tests.Intake.Webhooks.Deferred;

/// <summary>The service in this process, started without a token and then with one, on the same data.</summary>
public sealed class When_events_name_contacts_that_cannot_be_read_yet
{
    [Test]
    public async Task Should_make_a_lead_of_each_once_there_is_a_token()
    {
        using var folder = new TempFolder();
        await using var hubspot = await HubSpotSimulator.StartAsync();
        var contact = hubspot.Add("contacts", ("email", "ada@analytical.example"), ("lastname", "Lovelace"), ("company", "Analytical Engines"));
        await using (var service = await StartAsync(folder))
        {
            // Told twice, as HubSpot does when it is not sure.
            foreach (var _ in (int[])[1, 2])
                Assert.That(await PostAsync(service, contact), Is.EqualTo("deferred"));
            await service.StopAsync();
        }

        await using var again = await StartAsync(folder, ("Webhooks:hubspot:AccessToken", hubspot.Token), ("Webhooks:hubspot:ApiUrl", hubspot.Address.ToString().TrimEnd('/')));
        var leads = await UntilAsync(again, folder, "/leads", leads => leads.Count > 0);
        await again.StopAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(leads, Has.Count.EqualTo(1));
            Assert.That(leads[0]!["source"]!.GetValue<string>(), Is.EqualTo("hubspot"));
            Assert.That(hubspot.Calls("read_contacts"), Is.EqualTo(1), "one question for all");
        }
    }

    [Test]
    public async Task Should_put_them_among_the_dead_letters_when_no_token_comes()
    {
        using var folder = new TempFolder();
        await using var service = await StartAsync(folder, ("Deferral:MaxAge", "00:00:01"));

        _ = await PostAsync(service, "101");
        var dead = await UntilAsync(service, folder, "/dead-letters", dead => dead.Count > 0);
        await service.StopAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(dead, Has.Count.EqualTo(1));
            Assert.That(dead[0]!["queue"]!.GetValue<string>(), Is.EqualTo("webhooks/hubspot"));
            Assert.That(dead[0]!["reason"]!.GetValue<string>(), Is.EqualTo("no-access-token"));
        }
    }

    [Test]
    public async Task Should_put_one_off_that_meets_a_fault_and_go_on_with_the_next()
    {
        using var folder = new TempFolder();
        await using var hubspot = await HubSpotSimulator.StartAsync();
        await using (var service = await StartAsync(folder))
        {
            foreach (var name in (string[])["ada", "grace"])
                _ = await PostAsync(service, hubspot.Add("contacts", ("email", $"{name}@analytical.example"), ("lastname", name), ("company", "Analytical Engines")));
            await service.StopAsync();
        }
        await using var database = new SqliteConnection($"Data Source={folder["data/leadpipeline.db"]}");
        await database.OpenAsync();
        await ExecuteAsync("CREATE TRIGGER surprise BEFORE INSERT ON leads BEGIN SELECT RAISE(ABORT, 'surprise'); END");

        await using var again = await StartAsync(folder, ("Webhooks:hubspot:AccessToken", hubspot.Token), ("Webhooks:hubspot:ApiUrl", hubspot.Address.ToString().TrimEnd('/')));
        await Eventually.ShouldAsync(async () => await ExecuteAsync("SELECT COUNT(*) FROM deferred_events WHERE reason = 'not-readable'") == 2, "put both off");
        _ = await ExecuteAsync("DROP TRIGGER surprise; UPDATE deferred_events SET due_at = received_at");
        var leads = await UntilAsync(again, folder, "/leads", leads => leads.Count == 2);
        await again.StopAsync();

        Assert.That(leads, Has.Count.EqualTo(2));

        async Task<long> ExecuteAsync(string sql)
        {
            await using var command = database.CreateCommand();
            command.CommandText = sql;
            return Convert.ToInt64(await command.ExecuteScalarAsync() ?? 0L, System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    private static async Task<WebApplication> StartAsync(TempFolder folder, params (string Key, string Value)[] more)
    {
        var settings = new Dictionary<string, string?>
        {
            ["Http:Url"] = "http://127.0.0.1:0",
            ["Data:Directory"] = folder["data"],
            ["Webhooks:hubspot:Secrets:0"] = DoorService.Secret,
            ["Webhooks:hubspot:PublicUrl"] = "https://leads.example.com/",
        };
        foreach (var (key, value) in more)
            settings[key] = value;
        var app = WorkerApplication.Service(settings, []);
        await app.StartAsync();
        return app;
    }

    private static async Task<string> PostAsync(WebApplication app, string contact)
    {
        var body = $$"""[{"eventId":1,"subscriptionType":"contact.creation","portalId":7,"objectId":{{contact}}}]""";
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/webhooks/hubspot") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in Signing.HubSpot(body))
            request.Headers.Add(name, value);
        using var response = await client.SendAsync(request);
        return (await response.Content.ReadFromJsonAsync<JsonObject>())!["status"]!.GetValue<string>();
    }

    private static async Task<JsonArray> UntilAsync(WebApplication app, TempFolder folder, string path, Func<JsonArray, bool> enough)
    {
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await File.ReadAllTextAsync(Path.Combine(folder["data"], "console-token"))).Trim());
        JsonArray items = [];
        await Eventually.ShouldAsync(async () => enough(items = (await client.GetFromJsonAsync<JsonObject>(path))!["items"]!.AsArray()), $"have something under {path}");
        return items;
    }
}
