using System.Net;
using LeadPipeline.Worker.Http;

namespace LeadPipeline.Worker.Tests.Http;

public sealed class HostCheckTests
{
    private static readonly IPAddress Reached = IPAddress.Parse("10.1.2.3");

    [TestCase("localhost", true)]
    [TestCase("LOCALHOST.", true)]
    [TestCase("127.0.0.5", true)]
    [TestCase("::1", true)]
    [TestCase("", true)]
    [TestCase("leads.example.com", true)]
    [TestCase("LEADS.example.com", true)]
    [TestCase("a.eu.example.com", true)]
    [TestCase("eu.example.com", false)]
    [TestCase("evil-eu.example.com", false)]
    [TestCase("10.1.2.3", true)]
    [TestCase("10.1.2.4", false)]
    [TestCase("listening.example", true)]
    [TestCase("leads.example.com.attacker.example", false)]
    [TestCase("attacker.example", false)]
    public void Takes_its_own_names_only(string host, bool allowed)
    {
        var check = new HostCheck(["leads.example.com", "*.eu.example.com"], ["listening.example"]);

        Assert.That(check.Allows(host, fromLoopback: false, Reached), Is.EqualTo(allowed));
    }

    [TestCase(false, true)]
    [TestCase(true, false)]
    public void Takes_any_name_from_other_machines_when_it_listens_everywhere_and_was_told_none(bool fromLoopback, bool allowed)
    {
        Assert.That(new HostCheck([], ["*"]).Allows("service.namespace.svc", fromLoopback, Reached), Is.EqualTo(allowed));
    }

    [Test]
    public void Takes_the_configured_names_only_once_there_are_some()
    {
        Assert.That(new HostCheck(["leads.example.com"], ["*"]).Allows("service.namespace.svc", fromLoopback: false, Reached), Is.False);
    }

    [Test]
    public void Knows_the_address_that_was_reached_in_its_other_form()
    {
        Assert.That(new HostCheck(["x.example"], ["*"]).Allows("10.1.2.3", fromLoopback: false, Reached.MapToIPv6()), Is.True);
    }

    [TestCase("http://127.0.0.1:8080;http://[::1]:8080", "127.0.0.1,[::1]")]
    [TestCase("http://*:8080", "*")]
    [TestCase("http://+:8080", "*")]
    [TestCase("http://0.0.0.0:8080", "*")]
    [TestCase("http://[::]:8080", "*")]
    [TestCase("https://leads.example.com", "leads.example.com")]
    public void Reads_the_hosts_that_are_listened_on(string urls, string hosts)
    {
        Assert.That(string.Join(',', new ListenAddresses(urls.Split(';')).Hosts), Is.EqualTo(hosts));
    }
}
