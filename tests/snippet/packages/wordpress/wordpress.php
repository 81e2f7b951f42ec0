<?php

// Stand-ins for the functions of WordPress that the plugin calls, as far as it depends on them:
// hooks, options, the settings form with its nonce, escaping, shortcodes, script tags.

error_reporting(E_ALL);
set_error_handler(static function (int $level, string $text, string $file, int $line): bool {
    throw new ErrorException($text, 0, $level, $file, $line);
});

define('ABSPATH', __DIR__ . '/');

/** Everything that WordPress would keep. */
final class WordPress
{
    public static array $hooks = array();
    public static array $options = array(1 => array());
    public static int $site = 1;
    public static bool $multisite = false;
    public static array $capabilities = array();
    public static array $shortcodes = array();
    public static array $scripts = array();
    public static array $registered = array();
    public static array $sections = array();
    public static array $fields = array();
    public static array $pages = array();
    public static array $errors = array();
}

function add_filter($hook, $callback, $priority = 10, $arguments = 1)
{
    WordPress::$hooks[$hook][$priority][] = array($callback, $arguments);
    ksort(WordPress::$hooks[$hook]);
    return true;
}

function add_action($hook, $callback, $priority = 10, $arguments = 1)
{
    return add_filter($hook, $callback, $priority, $arguments);
}

function apply_filters($hook, $value, ...$more)
{
    foreach (WordPress::$hooks[$hook] ?? array() as $callbacks) {
        foreach ($callbacks as list($callback, $arguments)) {
            $value = call_user_func_array($callback, array_slice(array($value, ...$more), 0, $arguments));
        }
    }
    return $value;
}

function do_action($hook, ...$arguments)
{
    foreach (WordPress::$hooks[$hook] ?? array() as $callbacks) {
        foreach ($callbacks as list($callback, $count)) {
            call_user_func_array($callback, array_slice($arguments, 0, $count));
        }
    }
}

function plugin_basename($file)
{
    return basename(dirname($file)) . '/' . basename($file);
}

function get_option($name, $default = false)
{
    return WordPress::$options[WordPress::$site][$name] ?? $default;
}

function update_option($name, $value)
{
    $sanitize = WordPress::$registered[$name]['sanitize_callback'] ?? null;
    WordPress::$options[WordPress::$site][$name] = $sanitize ? $sanitize($value) : $value;
    return true;
}

function delete_option($name)
{
    unset(WordPress::$options[WordPress::$site][$name]);
    return true;
}

function is_multisite()
{
    return WordPress::$multisite;
}

function get_sites($query)
{
    assert($query === array('fields' => 'ids', 'number' => 0));
    return array_keys(WordPress::$options);
}

function switch_to_blog($site)
{
    WordPress::$site = $site;
}

function restore_current_blog()
{
    WordPress::$site = 1;
}

function current_user_can($capability)
{
    return in_array($capability, WordPress::$capabilities, true);
}

function wp_die($message, $title = '', $status = 500)
{
    throw new RuntimeException("$status $message");
}

function __($text, $domain = 'default')
{
    return $text;
}

function esc_html__($text, $domain = 'default')
{
    return esc_html($text);
}

function esc_html($text)
{
    return htmlspecialchars((string) $text, ENT_QUOTES, 'UTF-8', false);
}

function esc_attr($text)
{
    return esc_html($text);
}

function esc_url($url, $protocols = array('http', 'https', 'tel'))
{
    return str_replace(array('&', "'"), array('&#038;', '&#039;'), esc_url_raw($url, $protocols));
}

function esc_url_raw($url, $protocols = array('http', 'https', 'tel'))
{
    $url = preg_replace('|[^a-z0-9-~+_.?#=!&;,/:%@$\|*\'()\[\]\x80-\xff]|i', '', $url);
    $scheme = parse_url($url, PHP_URL_SCHEME);
    return null === $scheme || in_array($scheme, $protocols, true) ? $url : '';
}

function wp_parse_url($url)
{
    return parse_url($url);
}

function wp_check_invalid_utf8($text)
{
    return preg_match('/^./us', $text) ? $text : '';
}

function admin_url($path)
{
    return 'https://shop.example/wp-admin/' . $path;
}

function add_options_page($title, $menu, $capability, $slug, $callback)
{
    WordPress::$pages[$slug] = array($capability, $callback);
}

function register_setting($group, $name, $arguments)
{
    WordPress::$registered[$name] = array('group' => $group) + $arguments;
}

function add_settings_section($id, $title, $callback, $page)
{
    WordPress::$sections[$page][] = $id;
}

function add_settings_field($id, $title, $callback, $page, $section, $arguments)
{
    assert(in_array($section, WordPress::$sections[$page], true));
    WordPress::$fields[$page][] = array($title, $callback, $arguments);
}

function add_settings_error($setting, $code, $message)
{
    WordPress::$errors[] = array($setting, $code, $message);
}

function settings_fields($group)
{
    echo '<input type="hidden" name="option_page" value="', $group, '">';
    echo '<input type="hidden" name="_wpnonce" value="nonce-of-', $group, '-options">';
}

function do_settings_sections($page)
{
    foreach (WordPress::$fields[$page] as list($title, $callback, $arguments)) {
        echo '<label for="', esc_attr($arguments['label_for']), '">', esc_html($title), '</label>';
        $callback($arguments);
    }
}

function submit_button()
{
    echo '<input type="submit">';
}

/** wp-admin/options.php: whom it lets in, and what it stores. */
function options_php(array $form): void
{
    $group = $form['option_page'];
    if (!current_user_can('manage_options')) {
        wp_die('Sorry', '', 403);
    }
    if (($form['_wpnonce'] ?? '') !== "nonce-of-$group-options") {
        wp_die('The link you followed has expired.', '', 403);
    }
    foreach (WordPress::$registered as $name => $setting) {
        if ($setting['group'] === $group) {
            update_option($name, $form[$name] ?? null);
        }
    }
}

/** Opens a page of the administration; its HTML. */
function admin_page(string $slug): string
{
    do_action('admin_menu');
    do_action('admin_init');
    list($capability, $callback) = WordPress::$pages[$slug];
    if (!current_user_can($capability)) {
        wp_die('Sorry, you are not allowed to access this page.', '', 403);
    }
    ob_start();
    $callback();
    return ob_get_clean();
}

function wp_enqueue_script($handle, $src, $needs, $version, $how)
{
    WordPress::$scripts[$handle] = array($src, $version, $how);
}

/** What wp_head() prints of scripts. */
function head(): string
{
    do_action('wp_enqueue_scripts');
    $html = '';
    foreach (WordPress::$scripts as $handle => list($src, $version, $how)) {
        $src = null === $version ? $src : "$src&ver=$version";
        $strategy = " {$how['strategy']} data-wp-strategy=\"{$how['strategy']}\"";
        $tag = '<script src="' . esc_url($src) . "\" id=\"$handle-js\"$strategy></script>\n";
        $html .= apply_filters('script_loader_tag', $tag, $handle, $src);
    }
    return $html;
}

function add_shortcode($name, $callback)
{
    WordPress::$shortcodes[$name] = $callback;
}

function shortcode_atts($pairs, $given, $shortcode)
{
    return array_merge($pairs, array_intersect_key($given, $pairs));
}

/**
 * A text with its shortcodes carried out. As in WordPress, one that isn't closed takes everything up
 * to the next closing one of its name.
 */
function do_shortcode(string $text): string
{
    $pattern = '/\[(\w+)((?:\s+\w+="[^"]*"|\s+[^\]\s"=\/]+)*)\s*'
        . '(?:\/\]|\](?:([^\[]*+(?:\[(?!\/\1\])[^\[]*+)*+)\[\/\1\])?)/';
    return preg_replace_callback($pattern, static function (array $found): string {
        preg_match_all('/(\w+)="([^"]*)"/', $found[2], $pairs);
        $attributes = $pairs[1] ? array_combine($pairs[1], $pairs[2]) : '';
        return WordPress::$shortcodes[$found[1]]($attributes, $found[3] ?? '', $found[1]);
    }, $text);
}
