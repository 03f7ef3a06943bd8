import "uplot/dist/uPlot.min.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./shell/fields.css";
import "./charts/charts.css";
import "./charts/parallel.css";
import "./jobs/jobs.css";
import "./job/job.css";
import "./compare/compare.css";
import "./tuning/tuning.css";
import "./logs/logs.css";
import "./alarms/alarms.css";
import "./dashboards/dashboards.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { applyTheme } from "./lib/theme.svelte";

applyTheme();
mount(App, { target: document.getElementById("app")! });
